# SPDX-License-Identifier: Apache-2.0
"""A server that knows nothing of staples yet, and what `clinch setup` prints pasted into its
configuration."""

import re
import shlex

from . import blocks, others

# What others.py writes about staples, which a fresh configuration has not.
STAPLING = {
    "hitch": r"^ocsp-dir = .*\n",
    "lighttpd": r"^ssl\.stapling-file = .*\n",
    "h2o": r"^    ocsp-.*\n",
    "nghttpx": r"^(fetch-ocsp-response-file|ocsp-[a-z-]+|no-verify-ocsp)=.*\n",
    "exim": r"^tls_ocsp_file = .*\\\n.*\\\n.*\n",
    "dnsdist": r" ocspResponses = staples\(.*?\) ",
}
PID_FILE = {"lighttpd": 'server.pid-file = "{}"\n'}
ASKING = ("h2o", "nghttpx")  # they call a command, the first time when they start


def make(kind, programs, folder, leaf, clinch):
    """The server of that kind, not started."""
    kinds = {server.kind: server for server in (others.Hitch, others.Lighttpd, others.H2o,
                                                others.Nghttpx, others.Exim, others.Dnsdist)}
    more = (clinch.binary, folder / "none.yaml") if kind in ASKING else ()
    server = kinds[kind](programs, folder, leaf, *more)
    server.config = server.folder / f"{kind}.conf"
    text = server.config.read_text(encoding="ascii")
    left = re.sub(STAPLING[kind], "", text.replace(others.LUA, ""), flags=re.M)
    assert left != text and "ocsp" not in left.replace("none.yaml", "").lower(), left
    left += PID_FILE.get(kind, "").format(server.pid_file)
    server.config.write_text(left, encoding="ascii")
    server.configure = lambda: None
    return server


def _append(path, block):
    with open(path, "a", encoding="utf-8") as file:
        file.write(block.text)


def _paste_h2o(server, block):
    indented = "".join(f"    {line}\n" for line in block.text.splitlines())
    blocks.paste_beside(server.config, f"certificate-file: {server.chain}",
                        blocks.Block(block.file, indented))


def _paste_dnsdist(server, block):
    text = server.config.read_text(encoding="ascii")
    if "function " in block.text:
        text = block.text + text
    else:
        (line,) = block.lines
        assert text.count("{})\n") == 1, text
        text = text.replace("{})\n", "{ " + line + " })\n")
    server.config.write_text(text, encoding="ascii")


def paste(server, parts):
    """Every block for the server's own configuration."""
    found = blocks.of(parts, server.config)
    assert found and all(block.lines for block in found), parts
    for block in found:
        if server.kind == "h2o":
            _paste_h2o(server, block)
        elif server.kind == "dnsdist":
            _paste_dnsdist(server, block)
        elif server.kind == "lighttpd":
            blocks.paste_beside(server.config, f'ssl.pemfile = "{server.chain}"', block)
        else:
            _append(server.config, block)


def paste_wrapper(parts):
    """The command that h2o and nghttpx call, if one was printed; then what is for the shell."""
    for block in parts:
        if block.file.endswith("/clinch-staple"):
            with open(block.file, "w", encoding="ascii") as file:
                file.write(block.text)
    for block in blocks.of(parts, "shell"):
        blocks.run(block)


def service_manager(folder, server):
    """A folder for PATH with `systemctl` and the server's own program, as on a machine where it is
    installed."""
    folder.mkdir()
    variables = shlex.join(f"{name}={value}" for name, value
                           in server.programs.variables_for(server.kind).items())
    told = folder / "told"
    signals = {"reload hitch": "kill -HUP $(cat pid)", "restart dnsdist": "kill $(cat dnsdist.pid)"}
    cases = "".join(f"  '{words}') {command} ;;\n" for words, command in signals.items())
    programs = {
        "systemctl": f"cd {shlex.quote(str(server.folder))} && echo \"$*\" >>{told} || exit 1\n"
                     f"case \"$*\" in\n{cases}  *) exit 1 ;;\nesac\n",
        "dnsdist": f"exec env {variables} {server.programs.paths['dnsdist']} \"$@\"\n",
    }
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}", encoding="ascii")
        (folder / name).chmod(0o755)
    return told
