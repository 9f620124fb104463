// The page of `downslope lab`.

import "./page.css";
import { SocketBackend } from "./backend/socket";
import { mount } from "./mount";
import { fromHash } from "./state/setting";

const address = new URL("socket", location.href);
address.protocol = location.protocol.replace("http", "ws");
address.hash = address.search = "";

const place = document.querySelector<HTMLElement>("#laboratory");
if (place) {
  const { change, ...shown } = fromHash(location.hash);
  const onAddress = (hash: string): void => history.replaceState(null, "", hash);
  const mounted = mount(place, new SocketBackend(address.href), { change, ...shown, onAddress });
  // A pasted address, or a step back in the history.
  addEventListener("hashchange", () => {
    const wanted = fromHash(location.hash);
    void mounted.show(wanted.change, wanted.view, wanted.step);
  });
}
