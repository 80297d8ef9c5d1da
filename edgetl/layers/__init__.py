"""The layers of a network in all its forms, side by side: where a file leaves the network it was made from, and why.

Each form has a reader (`read_tflite`, `read_onnx`, `read_coreml`, `read_frozen`) that answers the same: steps in common terms and
what they gave for some images. `fusing` makes layers of them, `tying` pairs those of two networks, `measuring` compares each
pair, `causes` names what can be seen to be wrong, `remedies` says what to keep in float and what that costs.
"""
