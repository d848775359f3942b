# SPDX-License-Identifier: Apache-2.0
"""`clinch setup`: what it prints is pasted as it stands and works; what would do harm is refused;
--check tells right from wrong."""

import json
import os
import re
import shutil
import socket
import subprocess

import pytest

from lib import blocks, clients, fresh, pki
from lib.process import Child, wait_for
from lib.servers import Nginx, Site
from lib.talkers import Talker, answers_with, drips, floods, hangs
from lib.tour import URL


@pytest.fixture
def ask(clinch, programs, tmp_path):
    """`clinch setup`, with state and clinch.yaml of the play: (what came, its blocks)."""
    def setup(*args, **how):
        done = clinch.bare("setup", *args, "--state", clinch.state, "-c", tmp_path / "clinch.yaml",
                           env=programs.environment(), **how)
        return done, (blocks.cut(done.out) if done.out.startswith("### ") else [])

    return setup


@pytest.fixture
def ask_nginx(ask, programs):
    """... of this nginx."""
    return lambda server, *args: ask("nginx", *args, "--program", programs.nginx,
                                     "--server-config", server.config)


@pytest.fixture
def check(clinch, programs):
    """`clinch setup ... --check`: the exit code, and the lines of the table by certificate."""
    def look(*args):
        done = clinch.command("setup", *args, "--check", env=programs.environment())
        return done, done.out

    return look


def paste_yaml(parts, folder, **more):
    """clinch.yaml as it was printed, for responders on this machine."""
    path = folder / "clinch.yaml"
    return blocks.paste_yaml(path, blocks.of(parts, path)[0], allow_loopback="true", **more)


def row(text, path):
    """The line of the table about a certificate, and the sentences below it."""
    match = re.search(rf"^(\S.*\s){re.escape(str(path))}\n((?:    .*\n)*)", text, flags=re.M)
    assert match, f"no row for {path}:\n{text}"
    return match.group(1), " ".join(match.group(2).split())


def tells(said, words):
    """Whether it says so, wherever a long path is broken."""
    return "".join(words.split()) in "".join(said.split())


def site(folder, leaf, name="", **how):
    """A site of nginx with its certificate and key in `folder`, not including anything."""
    stem = name or leaf.name.split(".")[0]
    return Site(leaf.name, leaf.write(folder / f"{stem}.pem", **how),
                leaf.write_key(folder / f"{stem}.key"))


@pytest.fixture
def nginx(programs, tmp_path):
    """Starts an nginx with these sites in a folder with a blank in its name."""
    running = []

    def start(*sites):
        server = Nginx(programs, tmp_path / "odd place", sites)
        server.config.write_text(_quoted(server.config.read_text(encoding="ascii"), server.folder),
                                 encoding="ascii")
        server.configure = lambda: None
        running.append(server)
        return server.start()

    yield start
    for server in running:
        server.__exit__()


def _quoted(config, folder):
    """The configuration with the paths of our folder in quotation marks."""
    return re.sub(rf"({re.escape(str(folder))}[^\s;]*)", r'"\1"', config)


def test_setup_of_nginx_works_as_pasted(clinch, nginx, ask_nginx, check, ca, ecdsa_ca, responder,
                                        tmp_path, programs):
    leaves = [ca.issue("shop.test", url=responder.url),
              ecdsa_ca.issue("bank.test", "ecdsa", url=responder.url)]
    server = nginx(*(site(tmp_path, leaf) for leaf in leaves))
    asked = ["nginx", "--program", programs.nginx, "--server-config", server.config]
    before, text = check(*asked)
    assert before.code == 1 and "2 without a staple" in text, before
    done, parts = ask_nginx(server)
    assert done.code == 0, done
    for leaf in leaves:
        path = tmp_path / f"{leaf.name.split('.')[0]}.pem"
        part = [p for p in blocks.of(parts, server.config) if str(path) in p.said]
        assert len(part) == 1 and len(part[0].lines) == 1, done
        blocks.paste_beside(server.config, f"ssl_certificate {path};", part[0])
    config = paste_yaml(parts, tmp_path)
    code, said = server.test()
    assert code == 0, said
    server.reload()
    daemon = clinch.run_config(config, env=programs.environment())
    for leaf in leaves:
        assert clients.see_staple(server.port, leaf.name, 8, daemon.log).serial == leaf.serial_hex
    after, text = check(*asked)
    assert after.code == 0 and "2 certificates: all is well" in text, after
    again, parts = ask_nginx(server)
    assert again.code == 0 and "it has its line already" in again.out, again
    assert not [p for p in blocks.of(parts, server.config) if p.lines], again


def test_command_that_makes_it_live_is_one(nginx, ask_nginx, shop, tmp_path, programs):
    server = nginx(site(tmp_path, shop))
    done, parts = ask_nginx(server)
    live = blocks.of(parts, "live")
    assert len(live) == 1 and len(live[0].lines) == 1, done
    reload = live[0].lines[0].rsplit(" && ", 1)[0]
    subprocess.run(["sh", "-c", reload], check=True, env=programs.environment(), timeout=30,
                   capture_output=True)
    wait_for(lambda: server.reloads() == 1, what="the reload", tell=server.log)


def test_certificates_of_one_name_have_folders_of_their_own(clinch, nginx, ask_nginx, ca, responder,
                                                            tmp_path, programs):
    leaves = [ca.issue(f"{name}.test", url=responder.url) for name in ("one", "two")]
    sites = []
    for leaf in leaves:
        folder = tmp_path / leaf.name
        folder.mkdir()
        sites.append(site(folder, leaf, "fullchain"[:4]))
    server = nginx(*sites)
    done, parts = ask_nginx(server)
    assert done.code == 0, done
    for part in blocks.of(parts, server.config):
        path = re.search(r"ssl_certificate (\S+):", part.said).group(1)
        blocks.paste_beside(server.config, f"ssl_certificate {path};", part)
    config = paste_yaml(parts, tmp_path)
    server.reload()
    daemon = clinch.run_config(config, env=programs.environment())
    for leaf in leaves:
        assert clients.see_staple(server.port, leaf.name, 8, daemon.log).serial == leaf.serial_hex


def test_block_with_two_certificates_is_refused_with_the_way_out(nginx, ask_nginx, check, ca,
                                                                 ecdsa_ca, responder, tmp_path,
                                                                 programs):
    rsa = ca.issue("both.test", url=responder.url)
    ec = ecdsa_ca.issue("both.test", "ecdsa", url=responder.url)
    both = site(tmp_path, rsa, "rsa")
    second = site(tmp_path, ec, "ec")
    both.include = (f"/none/*.conf; ssl_certificate {second.certificate}; "
                    f"ssl_certificate_key {second.key}")
    server = nginx(both, site(tmp_path, ca.issue("shop.test", url=responder.url)))
    done, parts = ask_nginx(server)
    assert done.code == 1 and "2 certificates are left out" in done.err, done
    refused = [p for p in parts if "REFUSED" in p.said]
    assert len(refused) == 1 and not refused[0].lines, done
    assert "Ways out" in refused[0].said
    yaml = blocks.of(parts, tmp_path / "clinch.yaml")[0].text
    assert "shop.pem" in yaml and "rsa.pem" not in yaml and "ec.pem" not in yaml
    wrong, text = check("nginx", "--program", programs.nginx, "--server-config", server.config)
    assert wrong.code == 1 and row(text, both.certificate)[0].startswith("none"), wrong


def test_stapling_of_nginx_itself_is_told(nginx, ask_nginx, check, shop, ca, responder, tmp_path,
                                          programs):
    own = site(tmp_path, shop)
    own.include = "/none/*.conf; ssl_stapling on"
    server = nginx(own)
    done, parts = ask_nginx(server)
    part = blocks.of(parts, server.config)[0]
    assert "FIRST remove the ssl_stapling lines" in part.said and part.lines, done
    seen, text = check("nginx", "--program", programs.nginx, "--server-config", server.config)
    assert seen.code == 1 and row(text, own.certificate)[0].startswith("by itself"), seen


def test_certificates_of_nginx_that_are_in_no_file_are_told(ask, check, shop, certs, tmp_path):
    """A key may be wherever it wants."""
    config = tmp_path / "nginx.conf"
    server = "server { listen 443 ssl; ssl_certificate %s; ssl_certificate_key %s; }\n"
    config.write_text("http {\n" + server % (f"{certs}/shop.pem", "engine:pkcs11:shop")
                      + server % ("data:$pem", "data:$key")
                      + server % ('"data:-----BEGIN CERTIFICATE-----"', "store:shop") + "}\n",
                      encoding="ascii")
    done, parts = ask("nginx", "--server-config", config)
    own, variable, inline = blocks.of(parts, config)
    assert done.code == 1 and "2 certificates are left out" in done.err, done
    assert own.lines and "REFUSED" not in own.said
    assert "REFUSED: ssl_certificate data:$pem has a variable" in variable.said
    assert "REFUSED: this certificate stands in the configuration itself" in inline.said
    seen, text = check("nginx", "--server-config", config)
    assert seen.code == 1 and "in the configuration itself" in row(text, "data:")[1], seen


def test_stapling_around_the_block_is_told_where_the_snippet_is_not(check, clinch, shop, certs,
                                                                    tmp_path):
    config = tmp_path / "nginx.conf"
    config.write_text("http { ssl_stapling on; server { listen 443 ssl;\n"
                      f"ssl_certificate {certs}/shop.pem;\n"
                      f"include {clinch.state}/nginx/shop[.]conf; }} }}\n", encoding="ascii")
    seen, text = check("nginx", "--server-config", config)
    state, said = row(text, certs / "shop.pem")
    assert seen.code == 1 and state.startswith("by itself") and "there is none now" in said, seen


def test_nginx_is_read_from_a_dump_and_from_its_files(nginx, ask, shop, tmp_path, programs):
    """As a user whom nginx does not let read its keys."""
    server = nginx(site(tmp_path, shop))
    dump = tmp_path / "dump"
    with open(dump, "wb") as file:
        subprocess.run(server.argv("-T", "-q"), check=True, env=programs.environment(), stdout=file,
                       stderr=subprocess.DEVNULL, timeout=30)
    from_dump, _ = ask("nginx", "--server-config", dump)
    from_files, _ = ask("nginx", "--server-config", server.config)
    assert from_dump.code == from_files.code == 0, (from_dump, from_files)
    assert "include " in from_dump.out
    assert f"\nnginx -c '{server.config}' -t -q && " in from_files.out, "of that one, not another"
    assert (from_dump.out.split("### live")[0] == from_files.out.split("### live")[0])


def test_setup_of_haproxy_works_as_pasted(clinch, front, ask, check, ca, ecdsa_ca, responder, certs,
                                          tmp_path):
    leaves = [ca.issue("shop.test", url=responder.url),
              ecdsa_ca.issue("bank.test", "ecdsa", url=responder.url)]
    files = [leaf.write(certs, key=True) for leaf in leaves]
    haproxy = front.haproxy(*files)
    asked = ["haproxy", "--server-config", haproxy.config]
    before, text = check(*asked)
    assert before.code == 1 and "`show ssl cert`" in text and "2 without a staple" in text, before
    done, parts = ask(*asked)
    assert done.code == 0, done
    assert not blocks.of(parts, haproxy.config), "its socket is good as it is"
    blocks.run(blocks.of(parts, "shell")[0])
    config = paste_yaml(parts, tmp_path)
    daemon = clinch.run_config(config)
    for leaf in leaves:
        assert clients.see_staple(haproxy.port, leaf.name, 8, daemon.log).serial == leaf.serial_hex
    after, text = check(*asked)
    assert after.code == 0 and "2 certificates: all is well" in text, after
    wait_for(lambda: all(os.path.exists(f"{path}.ocsp") for path in files),
             what="the staples behind the links", tell=daemon.log)
    assert daemon.terminate() == 0
    haproxy.restart()
    for leaf in leaves:
        assert clients.look(haproxy.port, leaf.name).status == "good", leaf.name


def test_setup_of_haproxy_without_a_socket_prints_one(clinch, front, ask, shop, certs, tmp_path):
    haproxy = front.haproxy(certs / "shop.pem", start=False)
    text = haproxy.config.read_text(encoding="ascii")
    haproxy.config.write_text(re.sub(r"  stats socket .*\n", "", text), encoding="ascii")
    haproxy.configure = lambda: None
    done, parts = ask("haproxy", "--server-config", haproxy.config, "--socket", haproxy.socket)
    assert done.code == 0, done
    blocks.paste_beside(haproxy.config, "global", blocks.of(parts, haproxy.config)[0])
    assert haproxy.check()[0] == 0, haproxy.check()
    haproxy.start()
    config = paste_yaml(parts, tmp_path)
    daemon = clinch.run_config(config)
    clients.see_staple(haproxy.port, "shop.test", 8, daemon.log)


def test_haproxy_without_issuer_is_refused(front, ask, check, ca, shop, responder, certs):
    bare = ca.issue("bare.test", url=responder.url).write(certs, key=True, chain=False)
    plain = ca.issue("plain.test").write(certs, key=True)
    haproxy = front.haproxy(certs / "shop.pem", bare, plain)
    done, parts = ask("haproxy", "--server-config", haproxy.config)
    assert done.code == 1 and "lacks its issuer" in blocks.of(parts, "shell")[0].said, done
    assert str(bare) not in "".join(blocks.of(parts, "shell")[0].lines)
    seen, text = check("haproxy", "--server-config", haproxy.config)
    assert seen.code == 1, seen
    assert "no issuer" in row(text, bare)[0] and ".issuer" in row(text, bare)[1]
    assert row(text, plain)[0].split() == ["-", "whole"]


def test_socket_of_a_low_level_is_told(clinch, front, ask, check, shop, certs, tmp_path):
    haproxy = front.haproxy(certs / "shop.pem", start=False)
    low = tmp_path / "low.sock"
    text = haproxy.config.read_text(encoding="ascii")
    haproxy.config.write_text(re.sub(r"stats socket .*", f"stats socket {low} level user", text),
                              encoding="ascii")
    haproxy.configure = lambda: None
    haproxy.start()
    done, parts = ask("haproxy", "--server-config", haproxy.config)
    assert done.code == 0 and "does not list its certificates" in done.err, done
    block = blocks.of(parts, haproxy.config)[0]
    assert "level is too low" in block.said and block.lines == [f"stats socket {low} level admin"]
    seen, text = check("haproxy", "--server-config", haproxy.config)
    assert seen.code == 1 and row(text, certs / "shop.pem")[0].startswith("none"), seen


def listing(*paths):
    """The socket of a HAProxy that lists these certificates, and then says nothing more."""
    def talk(talker, connection):
        said = b""
        while not said.endswith(b"\n"):
            said += talker.hear(connection)
        if said.startswith(b"show cli level"):
            connection.sendall(b"admin\n\n")
        elif said.startswith(b"show ssl cert"):
            connection.sendall(b"# filename\n" + b"".join(b"%s\n" % os.fsencode(path)
                                                          for path in paths) + b"\n")
        else:
            hangs(talker, connection)
    return talk


HOSTILE = {  # what it is told as, and the seconds that it may cost
    "silence": (hangs, "no whole answer in time", 5),
    "hanging up": (lambda talker, connection: False, "", 0),
    "a drip": (drips(b"admin"), "no whole answer in time", 5),
    "noise": (answers_with(bytes(range(1, 256)) * 64), "does not list its certificates", 0),
    "no end": (floods(b"# filename\n" + b"/x.pem\n" * 1000), "", 3),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_socket_of_haproxy_costs_little(check, shop, certs, tmp_path, name):
    talk, says, seconds = HOSTILE[name]
    config = tmp_path / "haproxy.cfg"
    with Talker(talk) as talker:
        config.write_text(f"global\n  stats socket ipv4@127.0.0.1:{talker.port} level admin\n"
                          f"frontend f\n  bind :443 ssl crt {certs}/shop.pem\n", encoding="ascii")
        seen, text = check("haproxy", "--server-config", config)
    assert seen.code == 1 and seen.seconds < seconds + 3, seen
    assert row(text, certs / "shop.pem")[0].startswith("none"), seen
    assert says in seen.err and f"HAProxy at 127.0.0.1:{talker.port}" in seen.err, seen


def test_socket_that_falls_silent_is_waited_for_once(check, ca, responder, certs):
    """And not once for each certificate."""
    paths = [ca.issue(f"{name}.test", url=responder.url).write(certs, key=True)
             for name in ("one", "two", "three")]
    with Talker(listing(*paths)) as talker:
        seen, text = check("haproxy", "--server-config", "/dev/null", "--socket",
                           f"127.0.0.1:{talker.port}")
    assert seen.code == 1 and 4 < seen.seconds < 8, seen
    for path in paths:
        assert "no whole answer" in row(text, path)[1], seen


def test_setup_of_any_server_works_as_pasted(clinch, ask, shop, certs, tmp_path):
    done, parts = ask("file", certs / "shop.pem")
    assert done.code == 0, done
    config = paste_yaml(parts, tmp_path)
    assert clinch.bare("once", "-c", config, "--wait", "20").code == 0
    staple = re.search(r"shop.pem: (\S+)", blocks.of(parts, "shell")[0].said).group(1)
    assert clinch.bare("expire", staple, "--state", clinch.state).code == 0
    assert os.path.getsize(staple) > 100


def test_a_folder_is_no_certificate_to_set_up(ask, shop, certs):
    for server in ("file", "nginx"):
        done, parts = ask(server, certs)
        assert done.code == 2 and not parts, done
        assert f"{certs} is a folder: name the certificate file in it" in done.err, done


def test_certificate_that_cannot_be_read_ends_in_2(ask, shop, certs, tmp_path):
    """Its lines may be right all the same: a certificate that is still to come."""
    gone, junk = certs / "gone.pem", certs / "junk.pem"
    junk.write_text("no certificate\n", encoding="ascii")
    done, parts = ask("nginx", gone, "--program", tmp_path / "nginx")
    assert done.code == 2 and f"{gone}: no such file or folder; " in done.err, done
    assert blocks.of(parts, "live") and "gone[.]conf" in done.out, done
    done, parts = ask("file", certs / "shop.pem", junk, gone)
    (said,) = done.lines_about("without it")
    assert done.code == 2 and str(junk) in said and "1 more" in said, done
    assert "shop.pem" in blocks.of(parts, tmp_path / "clinch.yaml")[0].text, done
    done, _ = ask("file", certs / "shop.pem")
    assert done.code == 0, done
    done, _ = ask("file", certs / "shop.pem", f"{certs}/new\nline.pem")
    assert done.code == 1 and "is left out: its path holds a control character" in done.err, done


def test_check_tells_an_unfit_staple(clinch, check, ca, shop, responder, certs, tmp_path):
    """lighttpd takes any file: one about another certificate, one that has ended, none."""
    other = ca.issue("other.test", url=responder.url).write(certs)
    old = ca.issue("old.test", url=responder.url).write(certs)
    names = ("shop", "other", "old", "none")
    ca.issue("none.test", url=responder.url).write(certs)
    config = tmp_path / "lighttpd.conf"
    config.write_text("".join(f'$HTTP["host"] == "{name}.test" {{\n'
                              f'  ssl.pemfile = "{certs}/{name}.pem"\n'
                              f'  ssl.stapling-file = "{tmp_path}/{name}.ocsp"\n}}\n'
                              for name in names), encoding="ascii")
    assert clinch.once(certs / "shop.pem", "--wait", "20").code == 0
    good = clinch.staple(certs / "shop.pem").raw
    (tmp_path / "shop.ocsp").write_bytes(good)
    (tmp_path / "other.ocsp").write_bytes(good)
    responder.set("good", age_s=90000, life_s=86400)
    (tmp_path / "old.ocsp").write_bytes(_fetch(clinch, responder, old, tmp_path))
    seen, text = check("lighttpd", "--server-config", config)
    assert seen.code == 1, seen
    assert re.match(r"\d{4}-\d\d-\d\d", row(text, certs / "shop.pem")[0])
    assert "another" in row(text, other)[1] or "no matching" in row(text, other)[1], text
    assert row(text, old)[0].startswith("none") and row(text, certs / "none.pem")[1], text
    assert "there is no" in row(text, certs / "none.pem")[1]


def _fetch(clinch, responder, path, folder):
    """What the responder says of that certificate, whatever clinch thinks of it."""
    clinch.bare("explain", path, "--state", folder / "elsewhere", "--allow-loopback")
    return list(responder.sent.values())[-1]


def test_missing_issuer_is_told_where_clients_need_it(check, ca, responder, tmp_path):
    """A root need not be sent; an intermediate must be."""
    below = pki.Authority("clinch test intermediate", issuer=ca)
    alone = tmp_path / "alone"
    alone.mkdir()
    bare = below.issue("bare.test", url=responder.url).write(alone, chain=False)
    config = tmp_path / "hitch.conf"
    config.write_text(f'pem-file = "{bare}"\n', encoding="ascii")
    seen, text = check("hitch", "--server-config", config)
    assert seen.code == 1 and "no issuer" in row(text, bare)[0], seen
    assert "1 without the issuer" in text


def test_what_cannot_be_read_is_told_with_the_fix(as_nobody, open_folder, ask):
    secret = open_folder / "nginx.conf"
    secret.write_text("http {}\n", encoding="ascii")
    secret.chmod(0o600)
    if os.geteuid() == 0:
        done = as_nobody("setup", "nginx", "--server-config", secret, "--state",
                         open_folder / "state")
        assert done.code == 2 and "permission denied" in done.err and "as root" in done.err, done
    done, _ = ask("nginx", "--server-config", open_folder / "gone.conf")
    assert done.code == 2 and "--server-config -" in done.err, done
    broken = open_folder / "broken.conf"
    broken.write_text('http { server_name "a; }\n', encoding="ascii")
    done, _ = ask("nginx", "--server-config", broken)
    assert done.code == 2 and "broken.conf:2: a quotation mark" in done.err, done


def test_included_files_that_may_not_be_read_are_told(as_nobody, open_folder):
    """They may hold any server block: all is not known to be well."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to be without")
    config, closed = open_folder / "nginx.conf", open_folder / "closed"
    secret = open_folder / "sites" / "secret.conf"
    for folder in (closed, secret.parent):
        folder.mkdir()
    leaf = pki.Authority("clinch test CA").issue("nourl.test").write(open_folder / "nourl.pem")
    server = f"server {{ listen 443 ssl; ssl_certificate {leaf}; }}\n"
    secret.write_text(server, encoding="ascii")
    config.write_text("http { include sites/*.conf; include closed/*.conf; include none/*.conf;\n"
                      f"{server} }}\n", encoding="ascii")
    asked = ["setup", "nginx", "--server-config", config, "--check", "--state", open_folder / "s"]
    assert as_nobody(*asked).code == 0
    secret.chmod(0)
    closed.chmod(0)
    done = as_nobody(*asked)
    assert done.code == 1 and "as far as it could be read" in done.out, done
    for path in (secret, f"{closed}/"):
        (line,) = done.lines_about(path)
        assert "permission denied; run this command as root" in line, done
    assert "none" not in done.err, done


@pytest.fixture
def apache(tmp_path):
    """`apachectl` as Debian's 2.4 answers: (its program, its configuration with `lines`)."""
    def make(*files, lines=""):
        config = tmp_path / "apache2.conf"
        config.write_text(f"ServerRoot {tmp_path}\n{lines}", encoding="ascii")
        listed = "".join(f"  {path}\n" for path in files)
        script = tmp_path / "apachectl"
        script.write_text("#!/bin/sh\n"
                          'test "$*" = "-t -D DUMP_CERTS -D DUMP_INCLUDES" || exit 1\n'
                          "cat <<EOF\nIncluded configuration files:\n"
                          f"  (*) {config}\nServer certificates:\n{listed}EOF\n",
                          encoding="ascii")
        script.chmod(0o755)
        return tmp_path / "apache2", config

    return make


def test_what_apache_serves_is_read_from_its_dump(ask, check, apache, ca, shop, responder, certs,
                                                  tmp_path):
    below = pki.Authority("clinch test intermediate", issuer=ca)
    alone = tmp_path / "alone"
    alone.mkdir()
    bare = below.issue("bare.test", url=responder.url).write(alone, chain=False)
    program, config = apache(certs / "shop.pem", bare)
    seen, text = check("apache", "--program", program)
    assert seen.code == 1 and "2 without a staple of clinch, 1 without the issuer" in text, seen
    assert row(text, certs / "shop.pem")[0].split() == ["none", "whole"], text
    assert row(text, bare)[0].split() == ["none", "no", "issuer"], text
    done, parts = ask("apache", "--program", program)
    assert done.code == 0 and "WARNING: Apache staples" not in done.out, done
    apache(certs / "shop.pem", lines="SSLUseStapling on\n")
    seen, text = check("apache", "--program", program)
    assert row(text, certs / "shop.pem")[0].startswith("by itself"), seen
    done, parts = ask("apache", "--program", program)
    (block,) = blocks.of(parts, config)
    assert "Apache staples by itself already (SSLUseStapling on, line 2)" in block.said, done
    assert "SSLStaplingStandardCacheTimeout 300" in block.lines, done


def test_check_of_apache_looks_where_the_preload_library_does(clinch, check, apache, ca, shop,
                                                              responder, certs, tmp_path):
    new = ca.issue("new.test", url=responder.url).write(tmp_path / "new.pem")
    program, _ = apache(certs / "shop.pem", new)
    folder = tmp_path / "staples"
    folder.mkdir()
    config = clinch.config([certs / "shop.pem"], [{"folder": folder}])
    done = clinch.bare("once", "-c", config)
    assert done.code == 0 and list(folder.glob("*.ocsp")), done
    done = clinch.bare("setup", "apache", "--check", "--program", program, "-c", config)
    assert done.code == 1 and "2 certificates: 1 without a staple" in done.out, done
    assert re.match(r"20\d\d-", row(done.out, certs / "shop.pem")[0]), done
    state, said = row(done.out, new)
    assert state.startswith("none") and tells(said, f"there is no {folder}/"), done
    (staple,) = folder.glob("*.ocsp")
    os.utime(staple, (1, 1))
    done = clinch.bare("setup", "apache", "--check", "--program", program, "-c", config)
    state, said = row(done.out, certs / "shop.pem")
    assert state.startswith("none") and "not in the future" in said, done
    staple.write_bytes(b"no staple")
    os.utime(staple, (1 << 32, 1 << 32))
    done = clinch.bare("setup", "apache", "--check", "--program", program, "-c", config)
    assert "not an OCSP response" in row(done.out, certs / "shop.pem")[1], done
    clinch.config([certs / "shop.pem"])
    done = clinch.bare("setup", "apache", "--check", "--program", program, "-c", config)
    assert "has no `folder:`" in row(done.out, certs / "shop.pem")[1], done


def test_check_of_apache_knows_whether_it_has_the_library(clinch, check, apache, shop, certs,
                                                          tmp_path):
    """What counts is what the process was started with, not what clinch.yaml says."""
    program, _ = apache(certs / "shop.pem")
    folder = tmp_path / "staples"
    folder.mkdir()
    config = clinch.config([certs / "shop.pem"], [{"folder": folder}])
    done = clinch.bare("once", "-c", config)
    assert done.code == 0 and list(folder.glob("*.ocsp")), done
    shutil.copy(shutil.which("sleep"), program)
    library = {"LD_PRELOAD": tmp_path / "libclinch-preload.so", "CLINCH_STAPLES": f":{folder}"}
    elsewhere = {**library, "CLINCH_STAPLES": tmp_path / "elsewhere"}
    for given, says in (({}, "runs without clinch's preload library"), (library, ""),
                        (elsewhere, f"there is no {tmp_path}/elsewhere/")):
        child = Child([program, "60"], tmp_path / "log", env={**os.environ, **given})
        try:
            wait_for(lambda: os.readlink(f"/proc/{child.pid}/exe") == str(program),
                     what="the server")
            done = clinch.bare("setup", "apache", "--check", "--program", program, "-c", config)
            assert done.code == (1 if says else 0), done
            assert tells(row(done.out, certs / "shop.pem")[1], says), done
        finally:
            child.kill()


def test_apache_that_fails_is_told(check, tmp_path):
    script = tmp_path / "apachectl"
    script.write_text("#!/bin/sh\necho 'Syntax error on line 3' >&2; exit 1\n", encoding="ascii")
    script.chmod(0o755)
    seen, _ = check("apache", "--program", tmp_path / "apache2")
    assert seen.code == 2 and "Syntax error on line 3" in seen.err, seen
    seen, _ = check("apache", "--program", tmp_path / "none" / "apache2")
    if not shutil.which("apachectl") and not shutil.which("apache2ctl"):
        assert seen.code == 2 and f"neither beside {tmp_path}/none/apache2 nor" in seen.err, seen


def test_servers_that_staple_by_themselves_are_warned_of(ask, shop, certs, tmp_path):
    """What each of them calls it; nginx and Apache have plays of their own."""
    configs = {
        "haproxy": (f"frontend f\n  bind :443 ssl crt {certs}/shop.pem ocsp-update on\n",
                    "HAProxy also fetches staples by itself"),
        "h2o": (f"ssl:\n  certificate-file: {certs}/shop.pem\n", "h2o staples by itself"),
        "nghttpx": (f"certificate-file={certs}/shop.pem\n", "nghttpx staples by itself"),
        "hitch": (f'pem-file = "{certs}/shop.pem"\n', "hitch also asks responders by itself"),
    }
    for server, (text, words) in configs.items():
        config = tmp_path / f"{server}.conf"
        config.write_text(text, encoding="ascii")
        done, parts = ask(server, "--server-config", config)
        said = " ".join(block.said for block in parts)
        assert done.code == 0 and "WARNING" in said and words in said, done
    config = tmp_path / "h2o.conf"
    config.write_text(configs["h2o"][0] + f"  ocsp-update-cmd: {tmp_path}/clinch-staple\n",
                      encoding="ascii")
    done, _ = ask("h2o", "--server-config", config)
    assert "staples by itself" not in done.out, done


@pytest.mark.parametrize("args, says", [
    (["iis"], "there is no server iis: nginx, haproxy"),
    (["ngnix"], "did you mean nginx?"),
    (["postgres"], "did you mean postgresql?"),
    (["NGINX", "--server-config", "-"], "standard input is empty"),
    (["Redis-Server"], "`clinch setup Redis-Server CERT.pem...`"),
    ([], "needs a server"),
    (["file"], "which certificates?"),
    (["file", "--check"], "--check"),
    (["nginx", "--wait", "3"], "does not take --wait"),
])
def test_wrong_usage_is_told(clinch, args, says):
    done = clinch.bare("setup", *args)
    assert done.code == 2 and says in done.err, done


def test_help_names_every_server(clinch):
    text = clinch.bare("help", "setup").out
    for name in ("nginx", "haproxy", "apache", "hitch", "lighttpd", "h2o", "nghttpx", "exim",
                 "dnsdist", "file"):
        assert name in text


@pytest.mark.parametrize("kind", fresh.STAPLING)
def test_setup_of_the_other_servers_works_as_pasted(clinch, ask, check, others, ca, responder,
                                                    open_folder, tmp_path, kind):
    clinch.state = open_folder / "state"
    clinch.state.mkdir()  # Exim, say, is let into it
    leaf = ca.issue("shop.test", url=URL)  # some ask it by themselves: only clinch can
    server = fresh.make(kind, others, open_folder / kind, leaf, clinch)
    told = fresh.service_manager(tmp_path / "tools", server)
    env = {"PATH": f"{tmp_path}/tools:{os.environ['PATH']}"}
    with server:
        assert server.look().connected and not server.look().stapled, server.log()
        asked = [kind, "--server-config", server.config]
        before, text = check(*asked)
        assert before.code == 1 and "1 without a staple" in text, before
        done, parts = ask(*asked)
        assert done.code == 0, done
        fresh.paste(server, parts)
        fresh.paste_wrapper(parts)
        config = paste_yaml(parts, tmp_path, proxy=f'"{responder.url}"')
        if kind not in fresh.ASKING:
            server.restart()
            assert server.look().connected and not server.look().stapled, server.log()
        assert clinch.bare("once", "-c", config, "--wait", "20", env=env).code == 0
        if kind in fresh.ASKING:
            server.restart()
        sight = clients.see_staple(server.port, "shop.test", 8, server.log, more=server.look_how)
        assert sight.serial == leaf.serial_hex
        after, text = check(*asked)
        assert after.code == 0 and "1 certificate: all is well" in text, after
        restarts = told.read_text(encoding="ascii") if told.exists() else ""
        assert restarts == ("restart dnsdist\n" if kind == "dnsdist" else "")
        for command in reloads(config):
            subprocess.run(["sh", "-c", command], check=True, timeout=20, capture_output=True,
                           env={**os.environ, **env})


def reloads(config):
    """The commands behind `reload:` as they were printed."""
    return [json.loads(value) if value[0] == '"' else value for value in
            re.findall(r"^    reload: (.*)$", config.read_text(encoding="utf-8"), flags=re.M)]


@pytest.mark.parametrize("server, config, line", [
    ("hitch", 'pem-file = "{cert}"\n', 'ocsp-dir = "{state}/hitch"'),
    ("lighttpd", 'ssl.pemfile = "{cert}"\n', 'ssl.stapling-file = "{state}/lighttpd/shop.ocsp"'),
    ("h2o", "ssl:\n  certificate-file: {cert}\n", 'ocsp-update-interval: 60'),
    ("nghttpx", "certificate-file={cert}\n", "no-verify-ocsp=yes"),
    ("exim", "tls_certificate = {cert}\n",
     "    {{>{{${{extract{{mtime}}{{${{stat:{state}/exim/shop.ocsp}}}}}}}}{{$tod_epoch}}}}}}\\"),
    ("dnsdist", "addTLSLocal('127.0.0.1:853', '{cert}', '/k', {{}})\n",
     'ocspResponses=clinchStaples({{"{state}/dnsdist/shop.ocsp"}}),'),
])
def test_lines_for_the_other_servers_are_there(clinch, ask, shop, certs, tmp_path, server, config,
                                               line):
    path = tmp_path / "server.conf"
    path.write_text(config.format(cert=certs / "shop.pem"), encoding="ascii")
    done, parts = ask(server, "--server-config", path)
    assert done.code == 0, done
    lines = [text for block in blocks.of(parts, path) for text in block.lines]
    assert line.format(state=clinch.state) in lines, done
    assert str(certs / "shop.pem") in blocks.of(parts, tmp_path / "clinch.yaml")[0].text


def test_dnsdist_is_read_with_its_certificate_objects(ask, check, shop, certs, tmp_path):
    """Tables and variables of them, and PKCS#12, which clinch does not read."""
    packed = certs / "packed.p12"
    subprocess.run(["openssl", "pkcs12", "-export", "-in", certs / "shop.pem", "-out", packed,
                    "-passout", "pass:x"], check=True, timeout=20)
    config = tmp_path / "dnsdist.conf"
    config.write_text(f'local one = newTLSCertificate("{packed}", {{ password="x" }})\n'
                      f'both = {{ newTLSCertificate("{certs}/shop.pem", {{ key="k" }}), one }}\n'
                      'addTLSLocal("127.0.0.1:853", both, {})\n', encoding="ascii")
    done, parts = ask("dnsdist", "--server-config", config)
    (line,) = blocks.of(parts, config)[1].lines
    assert re.search(r'\{"[^"]*/shop.ocsp", "[^"]*/packed.p12.ocsp"\}', line), done
    (said,) = done.lines_about("is PKCS#12")
    assert done.code == 2 and f"-out {packed}.pem`" in said, done
    seen, text = check("dnsdist", "--server-config", config)
    assert "no staple is named for it" in row(text, certs / "shop.pem")[1], seen
    assert row(text, packed)[0].split() == ["none", "?"], seen


def test_exim_list_has_no_empty_place(ask, ca, ecdsa_ca, responder, certs, tmp_path):
    """Exim takes an empty place for a reason to refuse STARTTLS: a staple is named only behind
    those before it, so that what is missing ends the list."""
    leaves = [ca.issue("rsa.test", url=responder.url),
              ecdsa_ca.issue("ec.test", "ecdsa", url=responder.url)]
    paths = [str(leaf.write(certs)) for leaf in leaves]
    config = tmp_path / "exim.conf"
    config.write_text(f"tls_certificate = {':'.join(paths)}\n", encoding="ascii")
    _, parts = ask("exim", "--server-config", config)
    value = "".join(line.strip().rstrip("\\") for line in blocks.of(parts, config)[0].lines)
    first, second = (value.index(f"exists{{{folder}}}") for folder in re.findall(
        r"exists\{([^}]*)\}", value))
    assert value.count("{") == value.count("}") and first < second
    assert re.search(r"\{/[^}$]*rsa\.ocsp\$\{if and.*\{:/[^}]*ec\.ocsp\}\}\}\}$", value), value


def test_exim_list_stays_in_the_order_of_the_certificates(ask, ca, responder, certs, tmp_path):
    """A place too few, and each client would get another certificate's staple: refused. Behind one
    that has none nothing can be shown: told."""
    one, plain, two = (ca.issue(f"{name}.test", url=url).write(certs) for name, url in
                       (("one", responder.url), ("plain", None), ("two", responder.url)))
    config = tmp_path / "exim.conf"
    config.write_text(f"tls_certificate = {one}:{two}\n", encoding="ascii")
    done, parts = ask("exim", two, "--server-config", config)
    assert done.code == 1 and "REFUSED" in blocks.of(parts, config)[0].said, done
    assert "exists{" not in done.out
    config.write_text(f"tls_certificate = {one}:{plain}:{two}\n", encoding="ascii")
    done, parts = ask("exim", "--server-config", config)
    (block,) = blocks.of(parts, config)
    assert "put it last" in block.said and str(plain) in block.said, done
    assert "one.ocsp" in block.text and "two.ocsp" not in block.text, done


@pytest.mark.parametrize("kind, text", [
    ("exim", "tls_certificate = ${{if eq{{$tls_in_sni}}{{a}}{{{cert}}}{{/b.pem}}}}\n"),
    ("dnsdist", 'addTLSLocal("127.0.0.1:853", certs, keys)\n'),
    ("lighttpd", "ssl.pemfile = env.CERT\n"),
    ("hitch", 'pem-file = "shop.pem"\n'),
    ("haproxy", "frontend f\n  bind :443 ssl crt $TLS/shop.pem\n")])
def test_certificate_that_only_the_server_finds_is_to_be_named(ask, shop, certs, tmp_path, kind,
                                                               text):
    config = tmp_path / "server.conf"
    config.write_text(text.format(cert=certs / "shop.pem"), encoding="ascii")
    done, parts = ask(kind, "--server-config", config)
    assert done.code == 1 and not parts, done
    assert "cannot tell which file" in done.err and f"setup {kind} CERT.pem" in done.err, done
    done, parts = ask(kind, certs / "shop.pem", "--server-config", config)
    if kind == "exim":
        assert done.code == 1 and "is an expression" in blocks.of(parts, config)[0].said, done
    else:
        assert done.code == 0 and blocks.of(parts, "live"), done


def test_exim_of_debian_is_not_told_to_write_where_all_is_overwritten(ask, shop, certs):
    done, parts = ask("exim", certs / "shop.pem", "--server-config",
                      "/var/lib/exim4/config.autogenerated")
    assert done.code == 0, done
    assert not blocks.of(parts, "/var/lib/exim4/config.autogenerated"), done
    (block,) = blocks.of(parts, "/etc/exim4/conf.d/main/90_clinch")
    assert block.lines[0].startswith("tls_ocsp_file = "), done


def test_command_for_servers_that_call_one_prints_the_staple(clinch, ask, shop, certs, tmp_path):
    path = tmp_path / "h2o.conf"
    path.write_text(f"ssl:\n  certificate-file: {certs}/shop.pem\n", encoding="ascii")
    _, parts = ask("h2o", "--server-config", path)
    wrapper = tmp_path / "clinch-staple"
    wrapper.write_text(blocks.of(parts, wrapper)[0].text, encoding="ascii")
    blocks.run(blocks.of(parts, "shell")[0])

    def call():
        return subprocess.run([wrapper, certs / "shop.pem"], capture_output=True, check=False,
                              timeout=30)

    assert (call().returncode, call().stdout) == (0, b"")
    assert clinch.once(certs, "--wait", "20").code == 0
    assert (call().returncode, call().stdout) == (0, clinch.staple(certs / "shop.pem").raw)


@pytest.fixture
def as_packaged(clinch, others, tmp_path):
    """`clinch setup` on a machine that has a user clinch, as the package makes it."""
    tables = {"passwd": "root:x:0:0::/:/bin/false\nclinch:x:990:990::/:/bin/false\n",
              "group": "root:x:0:\nclinch:x:990:\nhaproxy:x:991:\n"}
    for name, text in tables.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    (library,) = others.root.glob("usr/lib/*/libnss_wrapper.so")
    env = {"LD_PRELOAD": str(library), "NSS_WRAPPER_PASSWD": str(tmp_path / "passwd"),
           "NSS_WRAPPER_GROUP": str(tmp_path / "group")}
    if clinch.bare("--version", env=env).code != 0:
        pytest.skip("a sanitizer does not go with libnss-wrapper")

    def setup(*args):
        # Not one of those that run here now, but the one that systemd knows.
        done = clinch.bare("setup", *args, "--program", "/bin/false", env=env)
        return done, blocks.cut(done.out)

    return setup


@pytest.mark.parametrize("kind, key, does", [
    ("nginx", "reload", None), ("hitch", "reload", "reload"), ("lighttpd", "reload", "reload"),
    ("dnsdist", "restart", "restart")])
def test_clinch_that_is_not_root_gets_a_door(as_packaged, shop, certs, kind, key, does):
    """Only root may reload a server: clinch touches a file, and a unit of root's does it."""
    done, parts = as_packaged(kind, certs / "shop.pem")
    assert done.code == 0, done
    yaml = blocks.of(parts, "/etc/clinch/clinch.yaml")[0].text
    assert f'\n    {key}: "touch /run/clinch/reload/{kind}"\n' in yaml, done
    shell = [line for block in blocks.of(parts, "shell") for line in block.lines]
    assert f"systemctl enable --now clinch-reload@{kind}.path" in shell, done
    folder = f"/etc/systemd/system/clinch-reload@{kind}.service.d"
    drop_in = [block.lines for block in blocks.of(parts, f"{folder}/clinch.conf")]
    if does is None:  # the packaged unit is nginx's
        assert not drop_in, done
    else:
        assert drop_in[0][1] == "ExecStart=" and kind in drop_in[0][2], done
        assert drop_in[0][3] == f"ExecStart=/usr/bin/systemctl {does} %i.service", done
    if kind != "nginx":
        assert "/run/clinch/hitch" in yaml or "/run/clinch/staples/" in yaml, yaml


def test_clinch_that_is_not_root_is_let_to_the_socket_of_haproxy(as_packaged, shop, certs):
    done, parts = as_packaged("haproxy", certs / "shop.pem")
    assert done.code == 0, done
    (block,) = blocks.of(parts, "/etc/haproxy/haproxy.cfg")
    assert block.lines[0].endswith(" mode 660 group clinch level admin"), done
    (live,) = blocks.of(parts, "live")
    assert live.lines[0].startswith("systemctl reload haproxy && "), done


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a socket away, as only root may")
@pytest.mark.parametrize("gid, mode, says", [
    (991, 0o660, "SupplementaryGroups=haproxy"), (0, 0o600, None), (991, 0o600, None),
    (0, 0o666, "")])
def test_group_of_the_socket_of_haproxy_lets_clinch_in(as_packaged, shop, certs, tmp_path, gid,
                                                       mode, says):
    path, config = tmp_path / "admin.sock", tmp_path / "haproxy.cfg"
    config.write_text(f"global\n  stats socket {path} level admin\n"
                      f"frontend f\n  bind :443 ssl crt {certs}/shop.pem\n", encoding="ascii")
    with socket.socket(socket.AF_UNIX) as nobody_listens:
        nobody_listens.bind(str(path))
        path.chmod(mode)
        os.chown(path, 0, gid)
        done, parts = as_packaged("haproxy", "--server-config", config)
    assert done.code == 0, done
    found = blocks.of(parts, "/etc/systemd/system/clinch.service.d/haproxy.conf")
    if says == "":  # it is everybody's
        assert not found, done
    elif says:
        assert found[0].lines == ["[Service]", says], done
    else:
        assert not found[0].lines and "add `mode 660 group clinch`" in found[0].said, done
