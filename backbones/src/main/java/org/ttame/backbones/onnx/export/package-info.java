/** A trained mechanism as part of its classifier's own ONNX file. */
package org.ttame.backbones.onnx.export;
