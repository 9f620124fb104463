"""A notebook's part, for test_widget.py: starts a real kernel, opens the laboratory in it, and prints what it answers.

What a page does over a kernel's messages is done here by hand, so that no browser is needed.
"""

import json
import sys

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

CODE = """
import pathlib
from downslope.lab import page_files
page_files.PAGE = pathlib.Path({page!r})
import downslope
shown = downslope.minimize("rosenbrock", [-1.2, 1.0], learning_rate=1e-3, max_steps=50).show()
shown
"""


class Notebook:
    def __init__(self):
        self.kernel = KernelManager()
        arguments = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.kernel._kernel_spec = KernelSpec(argv=arguments)
        self.kernel.start_kernel()
        self.client = self.kernel.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.widgets = []

    def run(self, code):
        """The kinds of data that a cell shows; its widgets are in `widgets`."""
        parent, kinds = self.client.execute(code), []
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            content = message["content"]
            if message["msg_type"] == "error":
                raise RuntimeError("\n".join(content["traceback"]))
            if message["msg_type"] == "comm_open" and "_esm" in content["data"]["state"]:
                self.widgets.append(content["comm_id"])
            if message["msg_type"] == "execute_result":
                kinds += content["data"]
            ended = content.get("execution_state") == "idle" and message["parent_header"].get("msg_id") == parent
            if ended:
                return kinds

    def ask(self, request):
        """The head and the buffer that answer it."""
        data = {"comm_id": self.widgets[-1], "data": {"method": "custom", "content": request}}
        self.client.shell_channel.send(self.client.session.msg("comm_msg", data))
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "comm_msg":
                return message["content"]["data"]["content"], bytes(message["buffers"][0])


def main():
    notebook = Notebook()
    try:
        told = {"kinds": notebook.run(CODE.format(page=sys.argv[1])), "answers": []}
        for request in json.loads(sys.argv[2]):
            head, numbers = notebook.ask(request)
            told["answers"].append({"head": head, "numbers": numbers.hex()})
        print(json.dumps(told))
    finally:
        notebook.kernel.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
