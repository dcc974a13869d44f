"""Debian's Chromium without a window, driven over a pipe by its DevTools protocol; tests that need it skip without."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = shutil.which("chromium") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here: apt-get install chromium")
PHONE, DESKTOP = (390, 844), (1280, 900)


class Page:
    """One page, and what it complained of."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, os.fdopen(from_browser, "rb", 0)
        self._number, self._buffer, self._session = 0, b"", None
        self.complaints: list[str] = []
        self.requests: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **words: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; what else comes in the meantime is kept."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": words}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._to, json.dumps(asked).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._number:
                assert "error" not in said, said
                return said["result"]

    def open(self, path: Path, size: tuple[int, int] = DESKTOP, *, dark: bool = False, calm: bool = False) -> None:
        """Show a file at a size, in light or dark, with reduced motion where asked."""
        width, height = size
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"},
        ]
        self.ask("Emulation.setEmulatedMedia", features=features)
        self.ask("Page.navigate", url=path.resolve().as_uri())
        self.run("new Promise(done => document.readyState == 'complete' ? done() : addEventListener('load', done))")

    def run(self, script: str) -> Any:
        """Value of a script; promises are awaited."""
        said = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key of the keyboard."""
        code = {"ArrowRight": 39, "ArrowLeft": 37, " ": 32, "Home": 36, "End": 35}[key]
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code)

    def picture(self, path: Path) -> None:
        """Write the whole page as a PNG."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True, clip={**size, "scale": 1})
        path.write_bytes(base64.b64decode(shot["data"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = self._from.read(1 << 16)
            assert part, "Chromium ended"
            self._buffer += part
        text, self._buffer = self._buffer.split(b"\0", 1)
        said = json.loads(text)
        method, about = said.get("method"), said.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(about["exceptionDetails"])[:400])
        elif method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.complaints.append(about["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(about["args"])[:400])
        elif method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        return said


@contextmanager
def chromium() -> Iterator[Page]:
    """A page of a browser of its own."""
    assert PROGRAM is not None
    reads, to_browser = os.pipe()
    from_browser, writes = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        # The browser reads commands from descriptor 3 and answers on 4.
        command = (
            f'exec "{PROGRAM}" --headless --no-sandbox --disable-gpu --mute-audio --remote-debugging-pipe '
            f'--disable-dev-shm-usage --disable-background-networking --user-data-dir="{home}" 3<&{reads} 4>&{writes}'
        )
        browser = subprocess.Popen(
            ["bash", "-c", command], pass_fds=(reads, writes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(reads)
        os.close(writes)
        try:
            yield Page(to_browser, from_browser)
        finally:
            browser.kill()
            browser.wait()
            os.close(to_browser)
