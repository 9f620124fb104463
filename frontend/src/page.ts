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
  const { change, view } = fromHash(location.hash);
  const onAddress = (hash: string): void => history.replaceState(null, "", hash);
  const mounted = mount(place, new SocketBackend(address.href), { change, view, onAddress });
  // A pasted address, or a step back in the history.
  addEventListener("hashchange", () => {
    const { change: wanted } = fromHash(location.hash);
    void mounted.laboratory.useFunction(wanted.fun ?? mounted.laboratory.setting.fun, wanted);
  });
}
