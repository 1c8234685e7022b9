"""A headless Chromium driven over its DevTools protocol: enough to open pages, press keys and listen."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

_SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps",
    "--remote-debugging-port=0",
)  # fmt: skip
_LOOKS = 100
_PATIENCE = 120


class Tab:
    """One tab; events that arrive while it waits for an answer are kept in `events`."""

    def __init__(self, socket: ClientConnection, session: str) -> None:
        self._socket = socket
        self._session = session
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []

    @classmethod
    def opened(cls, socket: ClientConnection) -> Self:
        """Open a tab and listen to its network, console and page."""
        browser = cls(socket, "")
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = cls(socket, session)
        for domain in ("Page", "Network", "Runtime", "Log"):
            tab.call(f"{domain}.enable")
        return tab

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a protocol method and return its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while True:
            answer = json.loads(self._socket.recv(timeout=_PATIENCE))
            if answer.get("id") == number and answer.get("sessionId", "") == self._session:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def open(self, url: str) -> None:
        """Open a page and return when it has loaded and its deferred scripts have run."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(json.loads(self._socket.recv(timeout=_PATIENCE)))

    def value(self, expression: str) -> Any:
        """Evaluate JavaScript in the page and return its value; promises are awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def inject(self, script: str) -> None:
        """Run a script in the page as developers' tools do, whatever its policy says."""
        self.value(f"{script}; true")

    def press(self, key: str) -> None:
        """Press and release a key."""
        code = {"Tab": 9, "Enter": 13}.get(key, 0)
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        """Put a text where the focus is, as an input method does."""
        self.call("Input.insertText", text=text)

    def width(self, pixels: int) -> None:
        """Make the tab as wide as a device."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=pixels, height=900, deviceScaleFactor=1, mobile=pixels < 600
        )
        # the call returns before the page has the new width; a page that does not fit never has it
        self.value(
            "new Promise((done) => { let looks = 0; const look = () => innerWidth === "
            f"{pixels} || ++looks > {_LOOKS} ? done() : setTimeout(look, 10); look(); }})"
        )

    def requests(self) -> list[str]:
        """Return the addresses asked for since the page was opened."""
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """Return errors, warnings and policy violations since the page was opened."""
        found = [str(e["params"]["entry"]["text"]) for e in self.events if e.get("method") == "Log.entryAdded"]
        found += [
            str(e["params"]["exceptionDetails"]) for e in self.events if e.get("method") == "Runtime.exceptionThrown"
        ]
        return found


@contextmanager
def running(program: str, profile: Path) -> Iterator[ClientConnection]:
    """Run Chromium with a profile of its own and connect to it."""
    command = [program, *_SWITCHES, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        address = next((line.split()[-1] for line in process.stderr if "DevTools listening on" in line), None)
        assert address is not None, "Chromium ended before it listened"
        try:
            with connect(address, max_size=None) as socket:
                yield socket
                Tab(socket, "").call("Browser.close")
        finally:
            process.terminate()
