# SPDX-License-Identifier: Apache-2.0
"""The command line: help, version, usage, and configuration errors."""

import pytest

COMMANDS = ("run", "once", "status", "explain", "staple", "expire", "verify", "import")


def test_version_is_one_line(clinch):
    done = clinch.bare("--version")
    assert done.code == 0
    assert done.out.startswith("clinch ") and done.out.count("\n") == 1


def test_help_names_every_command_within_80_columns(clinch):
    done = clinch.bare("--help")
    assert done.code == 0 and not done.err, done
    for command in COMMANDS:
        assert f"{command} " in done.out
    assert max(len(line) for line in done.out.splitlines()) <= 80


@pytest.mark.parametrize("args", [[], ["frobnicate"], ["once", "--frobnicate", "x"],
                                  ["staple"], ["explain"], ["import"],
                                  ["run", "--wait", "soon", "x"]],
                         ids=["nothing", "command", "option", "staple", "explain", "import",
                              "number"])
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(clinch, args):
    done = clinch.bare(*args)
    assert done.code == 2 and done.err.strip() and not done.out, done


def check_config_fault(clinch, text, *expected):
    """`run` and `once` refuse it with the file, the line and the words expected."""
    path = clinch.folder / "clinch.yaml"
    path.write_text(text, encoding="ascii")
    for command in ("run", "once"):
        done = clinch.bare(command, "-c", path, limit_s=10)
        assert done.code == 2, done
        assert "clinch.yaml:" in done.err, done
        for word in expected:
            assert word in done.err, done


def test_unknown_key_is_told_with_file_line_and_key(clinch, certs):
    check_config_fault(clinch, f"state: {clinch.state}\ncertificates:\n  - {certs}\nissuer: x\n",
                       "clinch.yaml:4:", "issuer")


def test_unknown_key_inside_publish_is_told(clinch, certs):
    check_config_fault(clinch, f"state: {clinch.state}\ncertificates: [{certs}]\npublish:\n"
                               "  - file: /tmp/{sha256}.ocsp\n    relod: 'true'\n",
                       "clinch.yaml:5:", "relod")


@pytest.mark.parametrize("line, word", [
    ("timeout: 5 parsecs", "timeout"), ("allow_loopback: maybe", "allow_loopback"),
    ("certificates: 7:8", "certificates"), ("publish: yes", "publish"),
    ("publish: [{file: '/x/{sha265}'}]", "`file`"),
    ("publish: [{file: '/x/{sha256}', mode: '0999'}]", "mode"),
    ("publish: [{nginx: /x, haproxy: /y}]", "haproxy")])
def test_bad_value_is_told_with_its_key(clinch, certs, line, word):
    extra = "" if line.startswith("certificates") else f"certificates: ['{certs}']\n"
    check_config_fault(clinch, f"state: {clinch.state}\n{extra}{line}\n", word)


def test_broken_yaml_is_told_with_its_line(clinch):
    check_config_fault(clinch, "state: [\ncertificates: }\n")


def test_duplicate_key_is_told(clinch, certs):
    check_config_fault(clinch, f"state: /x\ncertificates: [{certs}]\nstate: /y\n",
                       "clinch.yaml:3:", "state")


def test_missing_configuration_file_is_told(clinch):
    done = clinch.bare("once", "-c", clinch.folder / "none.yaml")
    assert done.code == 2 and "none.yaml" in done.err, done


def test_two_certificates_on_one_output_path_are_an_error(clinch, ca, responder, certs):
    leaves = [ca.issue(name, url=responder.url) for name in ("one.test", "two.test")]
    for leaf in leaves:
        leaf.write(certs)
    done = clinch.bare("once", "-c", clinch.config([certs], [{"file": certs / "same.ocsp"}]))
    assert done.code != 0, done
    (line,) = done.lines_about("same.ocsp")
    assert "one.pem" in line and "two.pem" in line, done
