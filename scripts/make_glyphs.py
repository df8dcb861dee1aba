#!/usr/bin/env python3
"""Writes report/glyphs.c: the glyphs of DejaVu Sans in three sizes, as coverage 0 .. 15 per pixel.

usage: make_glyphs.py [FONT.ttf] >report/glyphs.c      needs: pip install freetype-py, Debian's fonts-dejavu-core
"""
import sys

import freetype

FONT = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
SIZES = (11, 14, 20)
CHARACTERS = [chr(code) for code in range(32, 127)] + list("°±²·×θω−…")
WIDTH = 117

HEAD = """/* The glyphs of DejaVu Sans as coverage 0 .. f per pixel, row by row. Made by scripts/make_glyphs.py, not edited. */
#include "report/glyphs.h"
"""


def coverage(bitmap):
    return "".join("%x" % ((value * 15 + 127) // 255) for value in bitmap.buffer)


def literal(text, indent):
    """A C string, in pieces that fit into a line; the first line already holds `indent` characters."""
    pieces, room = [], WIDTH - indent
    while True:
        pieces.append('"%s"' % text[:room])
        text = text[room:]
        if not text:
            return ("\n" + " " * 4).join(pieces)
        room = WIDTH - 8


def write_size(face, size):
    face.set_pixel_sizes(0, size)
    print("static const esp_glyph glyphs_%d[] = {" % size)
    for character in sorted(CHARACTERS):
        face.load_char(character, freetype.FT_LOAD_RENDER | freetype.FT_LOAD_TARGET_LIGHT)
        glyph = face.glyph
        bitmap = glyph.bitmap
        assert bitmap.pitch == bitmap.width
        line = "    {%d, %d, %d, %d, %d, %d, " % (ord(character), round(glyph.advance.x / 64), glyph.bitmap_left,
                                                  glyph.bitmap_top, bitmap.width, bitmap.rows)
        print(line + literal(coverage(bitmap), len(line) + 4) + "},")
    print("};\n")


def main():
    face = freetype.Face(FONT)
    print(HEAD)
    for size in SIZES:
        write_size(face, size)
    print("const esp_glyphs esp_glyph_sizes[ESP_TEXT_SIZES] = {")
    for size in SIZES:
        print("    {%d, sizeof glyphs_%d / sizeof *glyphs_%d, glyphs_%d}," % (size, size, size, size))
    print("};")


main()
