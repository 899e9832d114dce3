"""Explains a photograph with a file of `ttame export --format onnx`: explain.py explainer.onnx photo.jpg out.png [class]"""
import json
import sys

import numpy
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession(sys.argv[1])
meta = {key.removeprefix("ttame."): value for key, value in session.get_modelmeta().custom_metadata_map.items()}
size = width, height = int(meta["width"]), int(meta["height"])
photo = Image.open(sys.argv[2]).convert("RGB")
if meta["resize"] == "crop":  # cover 256/224 of the input, keep the middle
    across, down = round(width * 256 / 224), round(height * 256 / 224)
    wide = photo.width * down >= photo.height * across
    w, h = (photo.width * down // photo.height, down) if wide else (across, photo.height * across // photo.width)
    left, top = round((w - width) / 2), round((h - height) / 2)
    photo = photo.resize((w, h), Image.BILINEAR).crop((left, top, left + width, top + height))
else:
    pad = meta["resize"] == "letterbox"
    photo = ImageOps.pad(photo, size, Image.BILINEAR, (114,) * 3) if pad else photo.resize(size, Image.BILINEAR)
image = (numpy.asarray(photo) / 255 - json.loads(meta["mean"])) / json.loads(meta["std"])
image = image if meta["layout"] == "NHWC" else image.transpose(2, 0, 1)
feeds = {meta["image"]: (image + (0.5 if meta["type"] == "uint8" else 0)).astype(meta["type"])[None]}
if "class" in meta:
    feeds[meta["class"]] = numpy.array([int(sys.argv[4])])
scores, maps = session.run([meta["output"], meta["map"]], feeds)
if scores.size == 1:  # of the second of two classes
    scores = numpy.array([[0.5 if meta["output-values"] == "probabilities" else 0, scores.item()]])
index = int(sys.argv[4]) if len(sys.argv) > 4 and meta["classes"] != "predicted" else int(scores.argmax())
heat = maps[0, index] if meta["classes"] == "all" else maps[0]
print(json.loads(meta["labels"])[index] if "labels" in meta else index)
heat = Image.fromarray((255 * heat).astype("uint8")).resize(size, Image.BILINEAR)
heat = ImageOps.colorize(heat, "#440154", "#fde725", mid="#21918c")
Image.blend(photo, heat, 0.5).save(sys.argv[3])
