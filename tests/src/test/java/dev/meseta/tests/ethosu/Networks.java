package dev.meseta.tests.ethosu;

import dev.meseta.graph.DType;
import dev.meseta.tests.tflite.QuantizedNetwork;
import dev.meseta.tests.tflite.QuantizedNetwork.Activation;
import dev.meseta.tests.tflite.QuantizedNetwork.Value;
import java.util.List;
import java.util.Random;

/** Networks of known architectures, with random weights: the shapes and the order of operators that such a device is bought for. */
enum Networks {
    /** MobileNet v1 0.25 at 96², two classes. */
    VISUAL_WAKE_WORDS {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.convolution(n.input(1, 96, 96, 3), 8, 3, 2, true, Activation.RELU6);
            int[] channels = {16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256};
            int[] strides = {1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1};
            for (int i = 0; i < channels.length; i++) {
                x = n.depthwise(x, 3, strides[i], 1, Activation.RELU6);
                x = n.convolution(x, channels[i], 1, 1, true, Activation.RELU6);
            }
            Value pooled = n.pool("AVERAGE_POOL_2D", x, 3, 3, false);
            return n.bytes(n.softmax(n.dense(n.reshape(pooled, 1, 256), 2, Activation.NONE)), x);
        }
    },
    /** MobileNet v2 0.35 at 96². */
    MOBILENET_V2 {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.convolution(n.input(1, 96, 96, 3), 16, 3, 2, true, Activation.RELU6);
            x = n.depthwise(x, 3, 1, 1, Activation.RELU6);
            x = n.convolution(x, 8, 1, 1, true, Activation.NONE);
            int[][] blocks = {{8, 2, 2}, {16, 3, 2}, {24, 4, 2}, {32, 3, 1}, {56, 3, 2}, {112, 1, 1}};
            for (int[] block : blocks) {
                for (int i = 0; i < block[1]; i++) x = inverted(n, x, block[0], i == 0 ? block[2] : 1);
            }
            x = n.convolution(x, 1280, 1, 1, true, Activation.RELU6);
            x = n.dense(n.mean(x, false), 100, Activation.NONE);
            return n.bytes(n.softmax(x));
        }

        private Value inverted(QuantizedNetwork n, Value x, int channels, int stride) {
            Value wide = n.convolution(x, 6 * (int) x.channels(), 1, 1, true, Activation.RELU6);
            Value y = n.convolution(
                    n.depthwise(wide, 3, stride, 1, Activation.RELU6), channels, 1, 1, true, Activation.NONE);
            return stride == 1 && x.channels() == channels ? n.add(x, y, Activation.NONE) : y;
        }
    },
    /** Of MLPerf Tiny's detection of anomalies: products alone. */
    AUTOENCODER {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.input(1, 640);
            for (int width : new int[] {128, 128, 128, 128, 8, 128, 128, 128, 128})
                x = n.dense(x, width, Activation.RELU);
            return n.bytes(n.dense(x, 640, Activation.NONE));
        }
    },
    /** SqueezeNet's fire modules: pools and joins. */
    FIRES {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.convolution(n.input(1, 64, 64, 3), 32, 3, 2, false, Activation.RELU);
            x = n.pool("MAX_POOL_2D", x, 3, 2, false);
            for (int squeeze : new int[] {8, 16, 24}) {
                Value s = n.convolution(x, squeeze, 1, 1, true, Activation.RELU);
                Value one = n.convolution(s, 4 * squeeze, 1, 1, true, Activation.RELU);
                Value three = n.convolution(s, 4 * squeeze, 3, 1, true, Activation.RELU);
                x = n.concat(List.of(one, three), true);
                if (squeeze == 8) x = n.pool("MAX_POOL_2D", x, 3, 2, true);
            }
            x = n.convolution(x, 20, 1, 1, true, Activation.RELU);
            x = n.pool("AVERAGE_POOL_2D", x, (int) x.shape()[1], 1, false);
            return n.bytes(n.softmax(n.reshape(x, 1, 20)));
        }
    },
    /** MobileNet v3: hard swish, and channels weighted by what squeezes them. */
    SQUEEZE_AND_EXCITE {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.function("HARD_SWISH", n.convolution(n.input(1, 64, 64, 3), 16, 3, 2, true, Activation.NONE));
            for (int channels : new int[] {16, 24, 40}) {
                Value wide = n.convolution(x, 4 * (int) x.channels(), 1, 1, true, Activation.NONE);
                wide = n.function("HARD_SWISH", wide);
                wide = n.depthwise(wide, 5, 2, 1, Activation.RELU);
                Value s = n.convolution(n.mean(wide, true), 8, 1, 1, true, Activation.RELU);
                s = n.function("LOGISTIC", n.convolution(s, (int) wide.channels(), 1, 1, true, Activation.NONE));
                x = n.convolution(n.times(wide, s), channels, 1, 1, true, Activation.NONE);
            }
            return n.bytes(n.dense(n.mean(x, false), 10, Activation.NONE));
        }
    },
    /** What EfficientDet makes of levels: enlarged, made smaller, and summed. */
    PYRAMID {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.convolution(n.input(1, 64, 64, 3), 24, 3, 2, true, Activation.RELU6);
            Value p3 = n.convolution(x, 32, 3, 2, true, Activation.NONE);
            Value p4 = n.convolution(n.pool("MAX_POOL_2D", p3, 3, 2, true), 32, 1, 1, true, Activation.NONE);
            Value p5 = n.pool("MAX_POOL_2D", p4, 3, 2, true);
            Value down4 = separable(n, n.add(p4, n.upsample(p5, false), Activation.RELU6));
            Value down3 = separable(n, n.add(p3, n.upsample(down4, false), Activation.RELU6));
            Value up4 = separable(n, n.add(down4, n.pool("MAX_POOL_2D", down3, 3, 2, true), Activation.RELU6));
            Value up5 = separable(n, n.add(p5, n.pool("MAX_POOL_2D", up4, 3, 2, true), Activation.RELU6));
            return n.bytes(
                    n.convolution(down3, 36, 3, 1, true, Activation.NONE),
                    n.function("LOGISTIC", n.convolution(up4, 27, 3, 1, true, Activation.NONE)),
                    up5);
        }

        private Value separable(QuantizedNetwork n, Value x) {
            return n.convolution(n.depthwise(x, 3, 1, 1, Activation.NONE), 32, 1, 1, true, Activation.NONE);
        }
    },
    /** A segmentation: dilated convolutions, transposed ones, bilinear enlargement, parts of channels. */
    SEGMENTATION {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.convolution(n.pad(n.input(1, 32, 48, 3), 1, 1), 16, 3, 1, false, Activation.RELU6);
            Value small = n.depthwise(n.convolution(x, 24, 3, 2, true, Activation.RELU), 3, 1, 2, Activation.NONE);
            small = n.leakyRelu(n.depthwise(small, 3, 1, 4, Activation.NONE));
            Value large = n.transposedConvolution(small, 16, 3, 2);
            Value joined = n.concat(List.of(large, n.slice(x, 4, 8), n.upsample(small, true)), true);
            Value y = n.convolution(joined, 4, 1, 1, true, Activation.NONE);
            return n.bytes(n.function("TANH", y));
        }
    },
    /** DenseNet's blocks: everything before goes into everything behind. */
    DENSE {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.convolution(n.input(1, 32, 32, 3), 16, 3, 1, true, Activation.RELU);
            for (int block = 0; block < 2; block++) {
                for (int i = 0; i < 3; i++)
                    x = n.concat(List.of(x, n.convolution(x, 12, 3, 1, true, Activation.RELU)), block == 1);
                x = n.pool("AVERAGE_POOL_2D", n.convolution(x, 24, 1, 1, true, Activation.RELU), 2, 2, false);
            }
            return n.bytes(n.dense(n.mean(x, false), 10, Activation.NONE));
        }
    },
    /** The beginning of a large network whose channels are no multiple of 16: maps that the fast memory does not hold. */
    LARGE_MAPS {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.convolution(n.input(1, 192, 192, 3), 24, 3, 2, true, Activation.RELU6);
            Value y = n.convolution(n.depthwise(x, 3, 1, 1, Activation.RELU6), 24, 1, 1, true, Activation.NONE);
            y = n.add(x, y, Activation.NONE);
            Value joined = n.concat(List.of(y, n.depthwise(y, 3, 1, 1, Activation.RELU6)), true);
            Value z = n.convolution(n.slice(joined, 16, 20), 8, 3, 2, false, Activation.RELU6);
            return n.bytes(n.dense(n.mean(z, false), 10, Activation.NONE), z);
        }
    },
    /** The end of MobileNet v2 at 224²: a mean of more than a thousand channels. */
    WIDE_MEAN {
        @Override
        byte[] write(QuantizedNetwork n) {
            Value x = n.convolution(n.input(1, 7, 7, 16), 1280, 1, 1, true, Activation.RELU6);
            return n.bytes(n.dense(n.mean(x, false), 10, Activation.NONE));
        }
    };

    abstract byte[] write(QuantizedNetwork n);

    /** The model's file, of bytes with or without a sign. */
    byte[] file(long seed, boolean signed) {
        return write(new QuantizedNetwork(new Random(seed), signed ? DType.I8 : DType.U8, signed));
    }
}
