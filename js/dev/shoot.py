"""Pictures of the scenes, and what axe-core finds in them: python dev/shoot.py OUT [scene,…] [theme …]"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --allow-file-access-from-files"
).split()


def main() -> int:
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    scenes = sys.argv[2] if len(sys.argv) > 2 else ""
    themes = sys.argv[3:] or ["light", "dark"]
    found = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for theme in themes:
            theme, _, width = theme.partition("@")
            theme, _, scheme = theme.partition("+")
            page = browser.new_page(viewport={"width": int(width or 0) + 40 if width else 860, "height": 900})
            page.on("console", lambda message: print("console:", message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: print("page:", error))
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            query = f"?theme={theme}" + (f"&scene={scenes}" if scenes else "") + (f"&width={width}" if width else "")
            page.goto(f"file://{HERE}/index.html{query}")
            page.wait_for_function("window.ready")
            page.screenshot(path=str(out / f"{theme}{scheme}{width}.png"), full_page=True)
            page.add_script_tag(path=str(HERE.parent / "node_modules/axe-core/axe.min.js"))
            for violation in page.evaluate("axe.run()")["violations"]:
                found += 1
                print(f"{theme}: {violation['id']} ({violation['impact']}): {violation['help']}")
                for node in violation["nodes"][:4]:
                    print("   ", node["html"][:160], "|", node["failureSummary"].replace("\n", " ")[:260])
        browser.close()
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
