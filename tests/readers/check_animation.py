"""An animated PNG as the Pillow package sees it. Usage: check_animation.py DIRECTORY (written by write_sample)."""
import sys

try:
    from PIL import Image, ImageChops
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

image = Image.open(f"{sys.argv[1]}/animation.png")
assert image.size == (40, 30) and image.is_animated and image.n_frames == 6 and image.info["loop"] == 0
for t in range(6):
    image.seek(t)
    assert image.info["duration"] == (50 if t < 5 else 1000), (t, image.info)
    wanted = Image.new("RGB", image.size, (255, 255, 255))
    wanted.paste((0xD5, 0x5E, 0x00), (4 * t, 3 * t, 4 * t + 8, 3 * t + 8))
    assert ImageChops.difference(image.convert("RGB"), wanted).getbbox() is None, f"frame {t}"
print("Pillow plays the animation")
