# SPDX-License-Identifier: Apache-2.0
"""Firefox ESR, headless, with a fresh profile a visit.

It never ends on an error page, so the server's logs decide: a request was made, or a TLS alert
came; then it is ended by its pid.
"""

import os
import re
import shutil
import time

from lib.process import Child

from .clients import make_database, need, run
from .people import HOST

LIMIT_S = 25
TRIES = 2
POLL_S = 0.03
PREFS = {
    "security.OCSP.enabled": 1,
    "security.ssl.enable_ocsp_stapling": True,
    "security.ssl.enable_ocsp_must_staple": True,
    "security.OCSP.timeoutMilliseconds.soft": 3000,
    # Nothing but the page: no updates, no first run, no services of anybody.
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "app.shield.optoutstudies.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.cache.disk.enable": False,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.search.update": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "browser.topsites.contile.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "geo.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "media.hardware-video-decoding.enabled": False,
    "layers.acceleration.disabled": True,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disableIPv6": True,
    "network.http.speculative-parallel-limit": 0,
    "network.prefetch-next": False,
    "network.proxy.type": 0,
    "network.trr.mode": 5,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "security.remote_settings.crlite_filters.enabled": False,
    "security.remote_settings.intermediates.enabled": False,
    "toolkit.startup.max_resumed_crashes": -1,
    "toolkit.telemetry.enabled": False,
    "toolkit.telemetry.server": "",
}


def _literal(value):
    return {True: "true", False: "false"}.get(value, f'"{value}"') if not isinstance(
        value, int) or isinstance(value, bool) else str(value)


class Firefox:
    key, title = "firefox", "Firefox"

    def __init__(self, scene):
        self.program = need("firefox-esr")
        self.folder = scene.folder / "firefox"
        self.folder.mkdir()
        self.profile = make_database(self.folder / "profile", scene.root)
        (self.profile / "user.js").write_text("".join(
            f'user_pref("{name}", {_literal(value)});\n' for name, value in PREFS.items()),
            encoding="ascii")

    def version(self):
        return run([self.program, "--version"])[1].strip().split()[-1]

    def judge(self, trial):
        for number in range(TRIES):
            verdict = self._visit(trial, self.folder / f"{trial.folder.name}-{number}")
            if verdict is not None:
                return verdict
        raise AssertionError(f"{trial.name}: Firefox made no request and sent no alert within "
                             f"{LIMIT_S} s, {TRIES} times")

    def _visit(self, trial, home):
        shutil.copytree(self.profile, home / "profile")
        seen = trial.access_log.stat().st_size, trial.error_log.stat().st_size
        env = {**os.environ, "HOME": str(home), "TMPDIR": str(home), "MOZ_HEADLESS": "1",
               "MOZ_CRASHREPORTER_DISABLE": "1", "MOZ_DISABLE_CONTENT_SANDBOX": "1"}
        firefox = Child([self.program, "--headless", "--no-remote", "--profile",
                         home / "profile", "--window-size=400,300", "--screenshot",
                         home / "page.png", f"https://{HOST}:{trial.port}/"],
                        home / "firefox.out", env=env, cwd=home)
        try:
            return self._watch(trial, seen, firefox)
        finally:
            firefox.kill()
            shutil.rmtree(home, ignore_errors=True)

    @staticmethod
    def _watch(trial, seen, firefox):
        """What the logs say first; None when they say nothing."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            if "GET" in _since(trial.access_log, seen[0]):
                return True, "asked for the page"
            alert = re.search(r"alert ([a-z ]+)", _since(trial.error_log, seen[1]))
            if alert:
                return False, f"alert {alert.group(1).strip()}"
            if not firefox.alive():
                return None
            time.sleep(POLL_S)
        return None


def _since(path, offset):
    with open(path, encoding="utf-8", errors="replace") as log:
        log.seek(offset)
        return log.read()
