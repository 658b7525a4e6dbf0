"""`plan --format html` as those see it who open it: a strict parser, a browser, paper.

Needs chromium, pdftotext and html5lib (Debian: chromium, poppler-utils, python3-html5lib), and CFY_SEED, the program.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import zlib

import html5lib

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("CFY_SEED", str(ROOT / "target/debug/cfy-seed"))
CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND"]
SHAPES = ["nine-node", "three-node", "all-in-one", "external-db", "external-both"]
WIDTHS = (360, 768, 1280)
XHTML = "{http://www.w3.org/1999/xhtml}"
SVG = "{http://www.w3.org/2000/svg}"


def large(directory):
    """Fifty hosts, some with long names."""
    long = "of-the-second-data-centre"
    hosts = [f"  - {{name: db-{n}, roles: [database], private_ip: 10.0.0.{10 + n}}}" for n in range(1, 6)]
    hosts += [f"  - {{name: broker-{long}-{n}, roles: [broker], private_ip: 10.0.0.{20 + n}}}" for n in range(1, 37)]
    hosts += [f"  - {{name: manager-{n}, roles: [manager], private_ip: 10.0.0.{100 + n}}}" for n in range(1, 10)]
    spec = directory / "cluster.yaml"
    spec.write_text(
        'apiVersion: cfy-seed/v1\nname: large\ntarget: [nocloud]\n'
        'cloudify: {version: "7.0.4", license: "<b>&amp;\'.yaml", rpm: {preinstalled: true}}\nhosts:\n' + "\n".join(hosts) + "\n")
    return spec


def plan(spec, vault, *more):
    command = [PROGRAM, "plan", str(spec), "--vault", str(vault), *more]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def names(spec, vault):
    return [host["name"] for host in json.loads(plan(spec, vault, "--format", "json"))["hosts"]]


def chromium(page, *arguments):
    with tempfile.TemporaryDirectory() as profile:
        command = [*CHROMIUM, f"--user-data-dir={profile}", "--enable-logging=stderr", *arguments, page.as_uri()]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)


def first_pixel(picture):
    """Red, green and blue of the first pixel: nothing is left of it or above, so every filter of PNG leaves it as it is."""
    data, at, packed = picture.read_bytes(), 8, b""
    while at < len(data):
        length = int.from_bytes(data[at:at + 4], "big")
        if data[at + 4:at + 8] == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += 12 + length
    return tuple(zlib.decompressobj().decompress(packed, 4)[1:4])


def luminance(colour):
    """WCAG 2.2, relative luminance."""
    colour = colour.lstrip("#")
    colour = "".join(c * 2 for c in colour) if len(colour) == 3 else colour
    channels = [int(colour[n:n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="cfy-page-"))
        cls.pages = {}
        for shape in SHAPES:
            home = cls.scratch / shape
            shutil.copytree(ROOT / "tests/fixtures" / shape, home)
            for path in [home, *home.rglob("*")]:
                path.chmod(0o700 if path.is_dir() else 0o600)
            cls.add(shape, home / "cluster.yaml", home / "vault")
        (cls.scratch / "large").mkdir()
        spec = large(cls.scratch / "large")
        cls.add("large", spec, cls.scratch / "none", re.findall(r"name: ([\w-]+),", spec.read_text()))

    @classmethod
    def add(cls, shape, spec, vault, hosts=None):
        page = cls.scratch / f"{shape}.html"
        page.write_text(plan(spec, vault, "--format", "html"), encoding="utf-8")
        cls.pages[shape] = (page, hosts or names(spec, vault))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def each(self):
        for page, hosts in self.pages.values():
            self.assertTrue(hosts, page)
            yield page, hosts

    def test_a_strict_parser_finds_nothing_wrong_and_nothing_from_outside(self):
        for page, hosts in self.each():
            parser = html5lib.HTMLParser(strict=True)
            tree = parser.parse(page.read_text(encoding="utf-8"))
            self.assertEqual(tree.get("lang"), "en")
            for element in (e for e in tree.iter() if isinstance(e.tag, str)):
                self.assertNotIn(element.tag.split("}")[-1], ["script", "link", "iframe", "object", "embed", "img", "base", "form"])
                for name, value in element.attrib.items():
                    self.assertFalse(name.lower().startswith("on"), name)
                    self.assertNotIn(name.lower(), ["src", "srcset", "href", "{http://www.w3.org/1999/xlink}href", "action"])
                    self.assertNotRegex(value, r"url\((?!#)", name)
            style = "".join(tree.find(f"{XHTML}head/{XHTML}style").itertext())
            self.assertNotRegex(style, r"@import|url\(")
            ids = [e.get("id") for e in tree.iter() if isinstance(e.tag, str) and e.get("id")]
            self.assertEqual(len(ids), len(set(ids)))
            text = "".join(tree.itertext())
            self.assertEqual([host for host in hosts if host not in text], [])

    def test_pictures_and_tables_say_what_they_are(self):
        for page, hosts in self.each():
            tree = html5lib.parse(page.read_text(encoding="utf-8"))
            pictures = list(tree.iter(f"{SVG}svg"))
            self.assertEqual(len(pictures), 2)
            for picture in pictures:
                self.assertEqual(picture.get("role"), "img")
                by_id = {e.get("id"): "".join(e.itertext()) for e in picture.iter()}
                labels = [by_id[label] for label in picture.get("aria-labelledby").split()]
                self.assertTrue(all(label.strip() for label in labels), labels)
                self.assertTrue(all(host in labels[1] for host in hosts), "the description names every host")
            for table in tree.iter(f"{XHTML}table"):
                self.assertTrue("".join(table.find(f"{XHTML}caption").itertext()).strip())
                heads = list(table.iter(f"{XHTML}th"))
                self.assertTrue(heads and all(head.get("scope") in ("col", "row") for head in heads))
            levels = [int(e.tag[-1]) for e in tree.iter() if isinstance(e.tag, str) and re.fullmatch(re.escape(XHTML) + "h[1-6]", e.tag)]
            self.assertEqual(levels[0], 1)
            self.assertTrue(all(after - before <= 1 for before, after in zip(levels, levels[1:])), levels)

    def test_the_order_is_that_of_the_plan(self):
        page, hosts = self.pages["nine-node"]
        tree = html5lib.parse(page.read_text(encoding="utf-8"))
        arrows = ["".join(e.itertext()) for e in tree.iter(f"{SVG}title") if " waits for " in "".join(e.itertext())]
        pairs = {tuple(re.findall(r"([\w-]+) \(", arrow)) for arrow in arrows}
        page, hosts = self.pages["large"]
        text = "".join(html5lib.parse(page.read_text(encoding="utf-8")).itertext())
        # 36 brokers one after the other, and then nine managers.
        self.assertIn("45 steps follow each other", text)
        self.assertEqual(pairs, {
            ("db-2", "db-1"), ("db-3", "db-2"), ("broker-2", "broker-1"), ("broker-3", "broker-2"),
            ("manager-1", "db-3"), ("manager-1", "broker-3"), ("manager-2", "manager-1"), ("manager-3", "manager-2")})

    def test_a_browser_shows_every_host_and_complains_of_nothing(self):
        for page, hosts in self.each():
            done = chromium(page, "--dump-dom")
            self.assertNotIn("CONSOLE", done.stderr)
            self.assertEqual([host for host in hosts if host not in done.stdout], [])

    def test_nothing_runs_over_the_edge_of_a_telephone_or_a_screen(self):
        for page, _ in self.each():
            # Iframes have the very widths that are wanted; a window has a least width.
            inner = page.read_text(encoding="utf-8").replace("&", "&amp;").replace('"', "&quot;")
            frames = "".join(
                f'<iframe style="width:{width}px;height:900px;border:0" srcdoc="{inner}"></iframe>' for width in WIDTHS)
            probe = self.scratch / "probe.html"
            probe.write_text(
                f"<!DOCTYPE html><body>{frames}<script>window.onload = () => {{ document.title = [...document.querySelectorAll('iframe')]"
                ".map(f => f.contentDocument.documentElement).map(d => `${d.clientWidth}/${d.scrollWidth}`).join(' '); }"
                "</script>", encoding="utf-8")
            title = re.search(r"<title>([\d/ ]+)</title>", chromium(probe, "--dump-dom").stdout)
            self.assertIsNotNone(title, "the page was not measured")
            self.assertEqual(title.group(1), " ".join(f"{width}/{width}" for width in WIDTHS), page)

    def test_light_and_dark_are_two_and_can_be_read(self):
        page, _ = self.pages["nine-node"]
        pixels = {}
        for scheme, setting in (("dark", 0), ("light", 1)):
            picture = self.scratch / f"{scheme}.png"
            chromium(page, f"--blink-settings=preferredColorScheme={setting}", "--window-size=1280,900", f"--screenshot={picture}")
            pixels[scheme] = first_pixel(picture)
        self.assertLess(max(pixels["dark"]), 64, pixels)
        self.assertGreater(min(pixels["light"]), 200, pixels)
        style = page.read_text(encoding="utf-8").split("<style>")[1].split("</style>")[0]
        blocks = re.findall(r":root \{(.*?)\}", style, flags=re.S)
        self.assertEqual(len(blocks), 3, "light, dark, paper")
        for block in blocks:
            colour = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+)", block))
            pairs = [("ink", "page"), ("soft", "page"), ("ink", "sheet"), ("soft", "sheet")]
            for role in ("database", "broker", "manager", "balancer", "outside"):
                pairs += [(role, f"{role}-bg"), ("soft", f"{role}-bg"), ("ink", f"{role}-bg")]
            pairs += [(state, f"{state}-bg") for state in ("good", "warn", "bad")]
            for text, ground in pairs:
                self.assertGreaterEqual(contrast(colour[text], colour[ground]), 4.5, f"{text} on {ground} in {block}")

    def test_paper_has_every_host(self):
        for page, hosts in (self.pages[shape] for shape in ("nine-node", "external-both", "large")):
            paper = self.scratch / "paper.pdf"
            # A dark screen prints on white paper all the same.
            chromium(page, "--blink-settings=preferredColorScheme=0", "--no-pdf-header-footer", f"--print-to-pdf={paper}")
            text = subprocess.run(["pdftotext", "-raw", str(paper), "-"], check=True, capture_output=True, text=True).stdout
            text = re.sub(r"\s", "", text)
            missing = [host for host in hosts if host not in text]
            self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
