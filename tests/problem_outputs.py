"""Write the output of each example into its page under docs/problems; ``python -m tests.problem_outputs`` does so."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.examples.test_problems import NOT_RUN, PAGES, ROOT, SOURCE_OF_LOCK, example


def output_of(page: Path, folder: Path) -> list[str]:
    """Return the lines that the command of an example prints on stderr, without the paths of this machine."""
    files, (prompt, *_) = example(page)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    environ, words = dict(os.environ), shlex.split(prompt.removeprefix("$ "))
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environ[name] = value
    command = [sys.executable, "-m", "turnbuckle"]
    if page.stem == "TB601":
        (folder / "before.py").write_text(SOURCE_OF_LOCK, encoding="utf-8")
        subprocess.run([*command, "plan", "./before.py", "--lock"], cwd=folder, capture_output=True, check=True)
    done = subprocess.run([*command, *words[1:]], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    shown = done.stderr.replace(f"{folder}/", "").replace(f"{ROOT}/", "")
    return re.sub(r"\b0x[0-9a-f]+", "0x...", shown).splitlines()


def write_output(page: Path) -> None:
    _, console = example(page)
    with tempfile.TemporaryDirectory() as folder:
        lines = output_of(page, Path(folder).resolve())
    text = page.read_text(encoding="utf-8")
    before, after = "\n".join(console), "\n".join([console[0], *lines])
    page.write_text(text.replace(f"```console\n{before}\n```", f"```console\n{after}\n```"), encoding="utf-8")


if __name__ == "__main__":
    for page in PAGES:
        if page.stem not in NOT_RUN:
            write_output(page)
