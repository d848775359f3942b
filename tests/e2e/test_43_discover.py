# SPDX-License-Identifier: Apache-2.0
"""`clinch discover`: servers that run in odd places, a clinch.yaml that works as it stands.

Other servers may run on this machine at the same time: each play looks for its own."""

import os
import re
import shutil
import subprocess

import pytest

from lib import blocks, clients, fresh
from lib.process import Child, free_port, wait_for
from lib.servers import HAProxy

NOBODY = 65534


def discover(clinch, programs, **how):
    return clinch.bare("discover", "--state", clinch.state, env=programs.environment(), **how)


def without_others(text, ours):
    """Without the servers of other plays: a clinch that acts on them spoils those."""
    ours = {str(server.child.pid) for server in ours}
    kept, keep = [], True
    for line in text.splitlines(keepends=True):
        about = re.match(r"  # .*\(process (\d+)\b", line)
        keep = about.group(1) in ours if about else keep or not line.startswith("  ")
        kept += [line] if keep else []
    return "".join(kept)


def write(done, path, *ours):
    """What was printed as a file, with what a play needs."""
    path.write_text("allow_loopback: true\n" + without_others(done.out, ours), encoding="utf-8")
    return path


def test_a_play_leaves_other_servers_alone(clinch, front, ca, responder, certs, programs, tmp_path):
    ours = front.haproxy(ca.issue("ours.test", url=responder.url).write(certs, key=True))
    with HAProxy(programs, tmp_path / "theirs", ours.certificates) as theirs:
        text = discover(clinch, programs).out
        assert str(theirs.socket) in text and str(ours.socket) in text
        text = "".join(line for line in without_others(text, [ours]).splitlines(keepends=True)
                       if not line.startswith("#"))
        assert str(theirs.socket) not in text and f"- haproxy: {ours.socket}\n" in text


def test_running_servers_get_their_staples(clinch, front, ca, ecdsa_ca, responder, certs, tmp_path,
                                           programs):
    shop = ca.issue("discovered.test", url=responder.url)
    bank = ecdsa_ca.issue("found.test", "ecdsa", url=responder.url)
    combined = bank.write(certs / "found.pem", key=True)
    nginx, snippets = front.nginx(shop)
    haproxy = front.haproxy(combined)
    done = discover(clinch, programs)
    assert done.code == 0, done
    assert f"process {nginx.child.pid}; nginx -T" in done.out, done
    assert f"process {haproxy.child.pid};" in done.out and str(haproxy.socket) in done.out
    assert f"- nginx: {snippets}\n" in done.out, "the folder that it includes from already"
    config = write(done, tmp_path / "found.yaml", nginx, haproxy)
    clinch.bare("once", "-c", config, "--wait", "20", limit_s=60, env=programs.environment())
    clients.see_staple(haproxy.port, "found.test", 5)
    clients.see_staple(nginx.port, "discovered.test", 5)


def part_about(text, child):
    """What is said of that process, up to the next one, without its "# "."""
    part = re.search(rf"^# [^\n]*\(process {child.pid};.*?(?=^\n|\Z)", text, flags=re.M | re.S)
    assert part, text
    return re.sub(r"^# ?", "", part.group(0), flags=re.M)


def test_three_kinds_at_once_from_what_was_printed_alone(clinch, front, others, ca, ecdsa_ca,
                                                         responder, certs, tmp_path, programs):
    """nginx, HAProxy and lighttpd: the clinch.yaml as it stands, with its own reload commands, and
    for lighttpd the line that stands as a comment."""
    shop = ca.issue("nginx.test", url=responder.url)
    bank = ecdsa_ca.issue("haproxy.test", "ecdsa", url=responder.url)
    light = ca.issue("light.test", url=responder.url)
    nginx, _ = front.nginx(shop)
    haproxy = front.haproxy(bank.write(certs / "haproxy.pem", key=True))
    with fresh.make("lighttpd", others, tmp_path / "light", light, clinch) as lighttpd:
        done = discover(clinch, programs)
        assert done.code == 0, done
        config = write(done, tmp_path / "found.yaml", nginx, haproxy, lighttpd)
        (line,) = re.findall(r"^ssl.stapling-file = .*$", part_about(done.out, lighttpd.child),
                             flags=re.M)
        blocks.paste_beside(lighttpd.config, f'ssl.pemfile = "{lighttpd.chain}"',
                            blocks.Block("", line))
        assert f'reload: "kill -USR1 $(cat {lighttpd.pid_file})"' in done.out, done
        daemon = clinch.run_config(config, env=programs.environment())
        for server, leaf in ((nginx, shop), (haproxy, bank), (lighttpd, light)):
            sight = clients.see_staple(server.port, leaf.name, 10, daemon.log)
            assert sight.serial == leaf.serial_hex


def test_lines_that_the_server_needs_stand_as_comments(clinch, front, shop, certs, programs):
    nginx, _ = front.nginx(shop, start=False)
    for place in nginx.sites:
        place.include = None
    nginx.start()
    done = discover(clinch, programs)
    assert done.code == 0, done
    text = done.out[done.out.index(f"process {nginx.child.pid}; nginx -T). What it"):]
    assert re.search(r"^# include \S+/shop\[\.\]conf;$", text, flags=re.M), done


def test_one_in_a_chroot_of_its_own_is_read(clinch, front, shop, certs, programs, tmp_path):
    """And two without a socket are not told to make the same."""
    if os.geteuid() != 0:
        pytest.skip("only root may chroot")
    pids = []
    for name in ("one", "two"):
        config = tmp_path / f"{name}.cfg"
        config.write_text(f"global\n  chroot {certs}\nfrontend f\n  mode http\n"
                          f"  timeout client 5s\n  bind 127.0.0.1:{free_port()} ssl crt "
                          f"{certs}/shop.pem\n", encoding="ascii")
        child = Child([programs.haproxy, "-db", "-f", config], tmp_path / "log",
                      env=programs.environment())
        pids.append(child)
        wait_for(lambda pid=child.pid: os.readlink(f"/proc/{pid}/root") == str(certs), 10,
                 "the chroot", tell=child.log)
    try:
        done = discover(clinch, programs)
    finally:
        for child in pids:
            child.kill()
    named, _, publish = done.out.partition("\npublish:")
    assert sum(f"process {child.pid};" in named for child in pids) == 1, "one certificate, once"
    sockets = [re.search(rf"process {child.pid};.*?\n  - haproxy: (\S+)\n", publish,
                         flags=re.S).group(1) for child in pids]
    assert len(set(sockets)) == 2 and "has a root folder of its own" not in done.err, done


def test_nothing_found_is_told(clinch, programs):
    """In a world of its own: other servers may run on this machine."""
    unshare = ["unshare", "--fork", "--pid", "--mount-proc"]
    if os.geteuid() != 0 or shutil.which("unshare") is None or subprocess.run(
            [*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespace of its own")
    if any(os.path.exists(path) for path in ("/etc/nginx/nginx.conf", "/etc/haproxy/haproxy.cfg",
                                             "/etc/apache2/apache2.conf", "/etc/exim4/exim4.conf")):
        pytest.skip("a server is installed here")
    done = discover(clinch, programs, prefix=unshare)
    assert done.code == 1 and not done.out and "no server" in done.err, done


def test_what_only_root_may_see_is_told_to_others(as_nobody, front, shop, programs):
    if os.geteuid() != 0:
        pytest.skip("needs root, to be without")
    nginx, _ = front.nginx(shop)
    done = as_nobody("discover")
    assert re.search(rf"nginx .process {nginx.child.pid}. is another user's.* as root",
                     done.err), done


def test_program_of_another_user_is_not_run(clinch, programs, open_folder):
    """Whoever calls a program of theirs nginx must not have root run it."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    fake = open_folder / "nginx"
    shutil.copy(shutil.which("sleep"), fake)
    fake.chmod(0o755)
    told = open_folder / "told"
    child = Child(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", fake,
                   "60"], told)
    try:
        wait_for(lambda: os.readlink(f"/proc/{child.pid}/exe") == str(fake), what="the fake nginx")
        done = discover(clinch, programs)
        assert re.search(rf"nginx \(process {child.pid}\) is another user's", done.err), done
    finally:
        child.kill()


def test_path_is_wrong_usage(clinch):
    done = clinch.bare("discover", "/etc")
    assert done.code == 2 and "looks by itself" in done.err, done
