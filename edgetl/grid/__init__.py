"""The integer grid: one quantized network, read from its int8 TFLite file and written, integer for integer, in other formats.

The TFLite file decides everything (folding, biases, zero points, padding, fused activations). `reader` parses it into a
`Graph`; `qdq` and `mil` write that graph as ONNX and Core ML; `compare` reads what was written and holds every scale, zero
point and weight against the graph.
"""
