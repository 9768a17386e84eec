package dev.meseta.graph.interpreter;

import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;

/**
 * Convolution in two steps: the input is spread out and padded (or cropped) as its attributes say, and then every kernel element adds its
 * product with a shifted view of it. No bounds are left to check in the second step.
 */
final class Convolutions {
    private Convolutions() {}

    static Tensor convolution(Op.Convolution o, Tensor x, Tensor kernel, TensorType type) {
        Geometry g = Geometry.of(o, x.shape(), kernel.shape(), type.shape());
        int length = Memory.arrayLength(type);
        int outputs = (int) (type.shape().extent(0) * type.shape().extent(1));
        if (length == 0) return Tensor.allocate(type);
        if (x.dtype().isFloat()) {
            double[] in = g.spread(Elements.doubles(x));
            double[] weights = Elements.doubles(kernel);
            double[] out = new double[length];
            Parallel.each(outputs, g.stepsPerPlane(), plane -> g.plane(in, weights, out, plane));
            return Elements.tensor(type, out);
        }
        long[] in = g.spread(Elements.longs(x));
        long[] weights = Elements.longs(kernel);
        long[] out = new long[length];
        Parallel.each(outputs, g.stepsPerPlane(), plane -> g.plane(in, weights, out, plane));
        return Elements.tensor(type, out);
    }

    /**
     * Where things lie. A plane is what belongs to one image and one channel.
     *
     * @param images extent of the batch
     * @param channels of the input
     * @param groupChannels input channels that one output channel sees
     * @param outputs output channels
     * @param groupOutputs output channels of a group
     * @param inPlane elements of an input plane as given
     * @param spreadPlane elements of an input plane when spread out and padded
     * @param outPlane elements of an output plane
     * @param spreadTo for each element of an input plane its place in the spread plane, or -1 if it was cropped
     * @param taps for each kernel element its distance in the spread plane
     * @param rowStarts for each output row its place in the spread plane
     * @param rowLength elements of an output row
     * @param step from one element of an output row to the next in the spread plane
     */
    private record Geometry(
            int images,
            int channels,
            int groupChannels,
            int outputs,
            int groupOutputs,
            int inPlane,
            int spreadPlane,
            int outPlane,
            int[] spreadTo,
            int[] taps,
            int[] rowStarts,
            int rowLength,
            int step) {

        static Geometry of(Op.Convolution o, Shape x, Shape kernel, Shape result) {
            int rank = x.rank() - 2;
            long[] spread = new long[rank];
            for (int i = 0; i < rank; i++) {
                long n = x.extent(i + 2);
                long spreadExtent = n == 0 ? 0 : (n - 1) * o.inputDilation().get(i) + 1;
                spread[i] = spreadExtent + o.low().get(i) + o.high().get(i);
            }
            long[] strides = Shape.of(spread).strides();
            long spreadPlane = Shape.of(spread).elements();
            Memory.arrayLength(
                    Math.multiplyExact(Math.multiplyExact(x.extent(0), x.extent(1)), spreadPlane), "convolution");

            long[] inStep = new long[rank];
            long[] tapStep = new long[rank];
            long[] outStep = new long[rank];
            for (int i = 0; i < rank; i++) {
                inStep[i] = o.inputDilation().get(i);
                tapStep[i] = o.kernelDilation().get(i);
                outStep[i] = o.strides().get(i);
            }
            int rowRank = Math.max(0, rank - 1);
            int[] rowStarts = places(spatial(result, rowRank), outStep, new long[rank], spread, strides);
            int rowLength = rank == 0 ? 1 : (int) result.extent(rank + 1);
            int step = rank == 0 ? 1 : outStep[rank - 1] > Integer.MAX_VALUE ? 0 : (int) outStep[rank - 1];
            if (step == 1 && contiguous(rowStarts, rowLength)) {
                rowLength *= rowStarts.length;
                rowStarts = new int[] {0};
            }
            return new Geometry(
                    (int) x.extent(0),
                    (int) x.extent(1),
                    (int) kernel.extent(1),
                    (int) kernel.extent(0),
                    (int) kernel.extent(0) / o.groups(),
                    (int) spatial(x, rank).elements(),
                    (int) spreadPlane,
                    (int) spatial(result, rank).elements(),
                    places(spatial(x, rank), inStep, low(o, rank), spread, strides),
                    places(spatial(kernel, rank), tapStep, new long[rank], spread, strides),
                    rowStarts,
                    rowLength,
                    step);
        }

        private static long[] low(Op.Convolution o, int rank) {
            long[] low = new long[rank];
            for (int i = 0; i < rank; i++) low[i] = o.low().get(i);
            return low;
        }

        private static boolean contiguous(int[] rowStarts, int rowLength) {
            for (int r = 0; r < rowStarts.length; r++) if (rowStarts[r] != r * rowLength) return false;
            return true;
        }

        private static Shape spatial(Shape s, int axes) {
            return Shape.of(s.dims().subList(2, 2 + axes));
        }

        /** For each element of a box, row-major, the place of index * step + start in the spread plane, or -1 outside. */
        private static int[] places(Shape box, long[] step, long[] start, long[] spread, long[] strides) {
            int[] places = new int[Memory.arrayLength(box.elements(), "convolution")];
            long[] index = new long[box.rank()];
            for (int p = 0; p < places.length; p++) {
                long at = 0;
                boolean inside = true;
                for (int a = 0; a < index.length; a++) {
                    long i = index[a] * step[a] + start[a];
                    inside &= i >= 0 && i < spread[a];
                    at += i * strides[a];
                }
                places[p] = inside ? (int) at : -1;
                for (int a = index.length - 1; a >= 0 && ++index[a] == box.extent(a); a--) index[a] = 0;
            }
            return places;
        }

        double stepsPerPlane() {
            return (double) outPlane * groupChannels * taps.length;
        }

        double[] spread(double[] x) {
            double[] s = new double[images * channels * spreadPlane];
            for (int p = 0; p < images * channels; p++) {
                for (int i = 0; i < inPlane; i++) {
                    if (spreadTo[i] >= 0) s[p * spreadPlane + spreadTo[i]] = x[p * inPlane + i];
                }
            }
            return s;
        }

        long[] spread(long[] x) {
            long[] s = new long[images * channels * spreadPlane];
            for (int p = 0; p < images * channels; p++) {
                for (int i = 0; i < inPlane; i++) {
                    if (spreadTo[i] >= 0) s[p * spreadPlane + spreadTo[i]] = x[p * inPlane + i];
                }
            }
            return s;
        }

        /** First input plane that an output plane sees. */
        private int firstInput(int plane) {
            return plane / outputs * channels + plane % outputs / groupOutputs * groupChannels;
        }

        void plane(double[] in, double[] weights, double[] out, int plane) {
            for (int c = 0; c < groupChannels; c++) {
                int from = (firstInput(plane) + c) * spreadPlane;
                int kernel = (plane % outputs * groupChannels + c) * taps.length;
                for (int k = 0; k < taps.length; k++) {
                    double w = weights[kernel + k];
                    for (int r = 0; r < rowStarts.length; r++) {
                        int i = from + rowStarts[r] + taps[k];
                        int o = plane * outPlane + r * rowLength;
                        if (step == 1) for (int j = 0; j < rowLength; j++) out[o + j] += w * in[i + j];
                        else for (int j = 0; j < rowLength; j++) out[o + j] += w * in[i + j * step];
                    }
                }
            }
        }

        void plane(long[] in, long[] weights, long[] out, int plane) {
            for (int c = 0; c < groupChannels; c++) {
                int from = (firstInput(plane) + c) * spreadPlane;
                int kernel = (plane % outputs * groupChannels + c) * taps.length;
                for (int k = 0; k < taps.length; k++) {
                    long w = weights[kernel + k];
                    for (int r = 0; r < rowStarts.length; r++) {
                        int i = from + rowStarts[r] + taps[k];
                        int o = plane * outPlane + r * rowLength;
                        for (int j = 0; j < rowLength; j++) out[o + j] += w * in[i + j * step];
                    }
                }
            }
        }
    }
}
