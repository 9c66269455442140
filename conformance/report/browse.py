"""Try the page in a real browser, as its readers do.

`python -m conformance.report.browse DIR` needs Playwright (`pip install playwright`)
and a Chromium, of `apt-get install chromium` or `playwright install chromium`. It opens
DIR/index.html at two widths, watches that nothing is asked of a network and nothing
said in the console, uses the filters with the mouse and the keyboard, and writes
screenshots beside the page.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WIDTHS = (1280, 360)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try a page.

    Args:
        arguments: of the command line; None reads the process's own.

    Returns:
        0 if all is well, 1 if not.
    """
    from playwright.sync_api import sync_playwright  # pyright: ignore[reportMissingImports]

    folder = parser().parse_args(arguments).folder.resolve()
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox"]
        )
        faults = [
            f"{width} px: {fault}"
            for width in WIDTHS
            for fault in look(browser, folder, width)
        ]
        browser.close()
    for fault in faults:
        print(fault)
    print("browse:", "FAILED" if faults else "passed")
    return 1 if faults else 0


def parser() -> argparse.ArgumentParser:
    """Say what the command takes."""
    found = argparse.ArgumentParser(
        prog="python -m conformance.report.browse", description=__doc__
    )
    found.add_argument("folder", type=Path, metavar="DIR")
    return found


def look(browser: Any, folder: Path, width: int) -> list[str]:
    """Open the page at a width and try it.

    Args:
        browser: Playwright's.
        folder: with the page; a screenshot is written into it.
        width: pixels.

    Returns:
        What is wrong.
    """
    page = browser.new_page(viewport={"width": width, "height": 900})
    faults: list[str] = []
    page.on("console", lambda said: faults.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.on("request", lambda asked: _only_itself(asked.url, faults))
    page.goto((folder / "index.html").as_uri())
    page.screenshot(path=folder / f"page-{width}.png", full_page=True)
    if page.evaluate("document.documentElement.scrollWidth") > width:
        faults.append("the page is wider than the window")
    for fault in (*_filters(page), *_keyboard(page)):
        faults.append(fault)
    page.close()
    return faults


def _only_itself(url: str, faults: list[str]) -> None:
    if not url.endswith("/index.html") and not url.startswith("data:"):
        faults.append(f"asked for {url}")


def _filters(page: Any) -> list[str]:
    """Choose a class, and search; count what is shown."""
    faults: list[str] = []
    every = page.locator("#all tbody tr").count()
    name = page.locator("select[name=class] option").nth(1).inner_text()
    page.select_option("select[name=class]", name)
    shown = page.locator("#all tbody tr:visible")
    classes = set(shown.locator("td:nth-child(5)").all_inner_texts())
    if classes != {name}:
        faults.append(f"the filter for {name} shows {sorted(classes)}")
    status = page.inner_text("#shown")
    if status != f"{shown.count()} of {every} lines":
        faults.append(f"{shown.count()} lines are shown, but it says {status!r}")
    page.fill("input[name=text]", "no such family")
    if page.locator("#all tbody tr:visible").count():
        faults.append("lines without the text are shown")
    page.click("button[type=reset]")
    page.wait_for_function(
        f"document.getElementById('shown').textContent.startsWith('{every} of')"
    )
    if page.locator("#all tbody tr:visible").count() != every:
        faults.append("not all lines are back")
    return faults


def _keyboard(page: Any) -> list[str]:
    """Go through everything with Tab; choose with the arrows."""
    faults: list[str] = []
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached: list[str] = []
    wanted = page.locator("a, select, input, button, summary, [tabindex='0']").count()
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        where = page.evaluate(
            "(() => { const e = document.activeElement; return e === document.body ? ''"
            " : e.name || e.className || e.getAttribute('href') || e.tagName; })()"
        )
        first = where not in reached
        reached.append(where)
        if where == "verdict" and first:
            page.keyboard.press("ArrowDown")
            if page.input_value("select[name=verdict]") != "ok":
                faults.append("the arrows do not choose a verdict")
        if where and not page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
        ):
            faults.append(f"no outline on {where}")
    for name in ("skip", "framework", "device", "dtype", "class", "verdict", "text"):
        if name not in reached:
            faults.append(f"Tab does not reach {name}")
    if page.locator("#all tbody tr[data-verdict=FAILED]:visible").count():
        faults.append("lines of another verdict are shown")
    return faults


if __name__ == "__main__":
    sys.exit(main())
