# SPDX-License-Identifier: Apache-2.0
"""What `clinch setup` prints, cut into its blocks and pasted where they say."""

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Block:
    file: str     # a path, "shell" or "live"
    text: str     # all of it, comments included

    @property
    def lines(self):
        """What is no comment."""
        return [line for line in self.text.splitlines()
                if line.strip() and not line.lstrip().startswith(("#", "--"))]

    @property
    def said(self):
        """The comments as one text."""
        comments = [line.lstrip().lstrip("#-").strip() for line in self.text.splitlines()
                    if line.lstrip().startswith(("#", "--"))]
        return " ".join(comments)


def cut(text):
    """Every block: a line "### FILE", then what is for that file."""
    parts = re.split(r"^### (.*)\n", text, flags=re.M)
    assert parts[0] == "", f"something stands before the first block:\n{text}"
    return [Block(file, body) for file, body in zip(parts[1::2], parts[2::2])]


def of(blocks, file):
    """The blocks for one file."""
    return [block for block in blocks if block.file == str(file)]


def paste_beside(path, text, block):
    """Into the configuration at `path`, behind the line that holds `text`."""
    lines = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    found = [number for number, line in enumerate(lines) if text in line]
    assert len(found) == 1, f"{text!r} stands in {len(found)} lines of {path}"
    lines.insert(found[0] + 1, block.text + "\n")
    Path(path).write_text("".join(lines), encoding="utf-8")


def paste_yaml(path, block, **more):
    """clinch.yaml of that block alone, with settings of a play before it."""
    settings = "".join(f"{name}: {value}\n" for name, value in more.items())
    Path(path).write_text(settings + block.text, encoding="utf-8")
    return path


def run(block, **how):
    """The commands of a "shell" block, as they stand."""
    done = subprocess.run(["sh", "-e", "-c", block.text], capture_output=True, text=True,
                          check=False, timeout=60, **how)
    assert done.returncode == 0, f"{block.text}\n{done.stdout}{done.stderr}"


def words(line):
    return shlex.split(line)
