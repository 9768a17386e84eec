package dev.meseta.graph.interpreter;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.graph.DType;
import dev.meseta.graph.Op;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Contractions and convolutions against the specification's formula, written as the sum that it is. */
class ProductsTest {
    private final Random random = new Random(7);

    private Tensor numbers(DType dtype, List<Long> extents) {
        Tensor t = Tensor.allocate(
                dtype, Shape.of(extents.stream().mapToLong(Long::longValue).toArray()));
        for (long i = 0; i < t.elements(); i++) {
            if (dtype.isFloat()) t.setDouble(i, random.nextInt(-32, 32) / 8.0);
            else t.setLong(i, random.nextLong());
        }
        return t;
    }

    @Test
    void contractionsAreSumsOfProducts() {
        for (int round = 0; round < 300; round++) {
            int batch = random.nextInt(3);
            int sum = random.nextInt(3);
            List<Long> shared = extents(batch + sum);
            List<Long> leftExtents = new ArrayList<>(shared);
            leftExtents.addAll(extents(random.nextInt(3)));
            List<Long> rightExtents = new ArrayList<>(shared);
            rightExtents.addAll(extents(random.nextInt(3)));
            List<Integer> leftOrder = shuffled(leftExtents.size());
            List<Integer> rightOrder = shuffled(rightExtents.size());
            DType result = List.of(DType.F32, DType.F64, DType.I32, DType.U64).get(round % 4);
            DType dtype = round % 4 == 2 ? DType.I8 : result;
            Tensor left = numbers(dtype, permuted(leftExtents, leftOrder));
            Tensor right = numbers(dtype, permuted(rightExtents, rightOrder));
            Op.Contraction op = new Op.Contraction(
                    places(leftOrder, 0, batch),
                    places(rightOrder, 0, batch),
                    places(leftOrder, batch, batch + sum),
                    places(rightOrder, batch, batch + sum),
                    result);
            Tensor y = Interpreter.evaluate(op, List.of(left, right)).getFirst();
            compareContraction(op, left, right, y);
        }
    }

    private void compareContraction(Op.Contraction op, Tensor left, Tensor right, Tensor y) {
        List<Integer> leftFree = new ArrayList<>();
        for (int i = 0; i < left.shape().rank(); i++)
            if (!op.leftBatch().contains(i) && !op.leftSum().contains(i)) leftFree.add(i);
        List<Integer> rightFree = new ArrayList<>();
        for (int i = 0; i < right.shape().rank(); i++)
            if (!op.rightBatch().contains(i) && !op.rightSum().contains(i)) rightFree.add(i);
        Shape sums = Shape.of(op.leftSum().stream().map(left.shape()::dim).toList());
        for (long p = 0; p < y.elements(); p++) {
            long[] at = index(y.shape(), p);
            long[] l = new long[left.shape().rank()];
            long[] r = new long[right.shape().rank()];
            int a = 0;
            for (int i = 0; i < op.leftBatch().size(); i++, a++) {
                l[op.leftBatch().get(i)] = at[a];
                r[op.rightBatch().get(i)] = at[a];
            }
            for (int i : leftFree) l[i] = at[a++];
            for (int i : rightFree) r[i] = at[a++];
            double expected = 0;
            long expectedInteger = 0;
            for (long s = 0; s < sums.elements(); s++) {
                long[] k = index(sums, s);
                for (int i = 0; i < k.length; i++) {
                    l[op.leftSum().get(i)] = k[i];
                    r[op.rightSum().get(i)] = k[i];
                }
                long li = number(left.shape(), l);
                long ri = number(right.shape(), r);
                expected += left.getDouble(li) * right.getDouble(ri);
                expectedInteger += left.getLong(li) * right.getLong(ri);
            }
            if (y.dtype().isFloat()) assertEquals(expected, y.getDouble(p), op.toString());
            else if (y.dtype() == DType.I32) assertEquals((int) expectedInteger, y.getLong(p), op.toString());
            else assertEquals(expectedInteger, y.getLong(p), op.toString());
        }
    }

    @Test
    void convolutionsAreTheFormula() {
        for (int round = 0; round < 300; round++) {
            int spatial = random.nextInt(4);
            int groups = 1 + random.nextInt(3);
            long inputs = 1 + random.nextInt(3);
            long outputs = groups * (1 + random.nextInt(3));
            List<Long> x = new ArrayList<>(List.of(1L + random.nextInt(2), inputs * groups));
            List<Long> k = new ArrayList<>(List.of(outputs, inputs));
            List<List<Long>> lists = new ArrayList<>();
            for (int i = 0; i < 5; i++) lists.add(new ArrayList<>());
            for (int i = 0; i < spatial; i++) {
                long kernel = 1 + random.nextInt(3);
                long dilation = 1 + random.nextInt(2);
                long between = 1 + random.nextInt(3);
                long extent = 1 + random.nextInt(6);
                long low = random.nextInt(-1, 3);
                long needed = (kernel - 1) * dilation + 1 - (extent - 1) * between - 1 - low;
                long high = Math.max(random.nextInt(-1, 3), needed);
                x.add(extent);
                k.add(kernel);
                lists.get(0).add(1L + random.nextInt(3));
                lists.get(1).add(low);
                lists.get(2).add(high);
                lists.get(3).add(between);
                lists.get(4).add(dilation);
            }
            DType result = round % 2 == 0 ? DType.F32 : DType.I32;
            DType dtype = round % 2 == 0 ? DType.F32 : DType.U8;
            Op.Convolution op = new Op.Convolution(
                    lists.get(0), lists.get(1), lists.get(2), lists.get(3), lists.get(4), groups, result);
            Tensor input = numbers(dtype, x);
            Tensor kernel = numbers(dtype, k);
            compareConvolution(
                    op,
                    input,
                    kernel,
                    Interpreter.evaluate(op, List.of(input, kernel)).getFirst());
        }
    }

    private void compareConvolution(Op.Convolution op, Tensor x, Tensor kernel, Tensor y) {
        int spatial = x.shape().rank() - 2;
        long outputs = kernel.shape().extent(0);
        long inputs = kernel.shape().extent(1);
        for (long p = 0; p < y.elements(); p++) {
            long[] at = index(y.shape(), p);
            double expected = 0;
            for (long q = 0; q < kernel.elements(); q++) {
                long[] k = index(kernel.shape(), q);
                if (k[0] != at[1]) continue;
                long[] i = new long[spatial + 2];
                i[0] = at[0];
                i[1] = at[1] / (outputs / op.groups()) * inputs + k[1];
                boolean inside = true;
                for (int s = 0; s < spatial; s++) {
                    long spread = at[s + 2] * op.strides().get(s)
                            - op.low().get(s)
                            + k[s + 2] * op.kernelDilation().get(s);
                    long between = op.inputDilation().get(s);
                    inside &= spread >= 0
                            && spread % between == 0
                            && spread / between < x.shape().extent(s + 2);
                    i[s + 2] = spread / between;
                }
                if (inside) expected += x.getDouble(number(x.shape(), i)) * kernel.getDouble(q);
            }
            assertEquals(expected, y.getDouble(p), op + " of " + x.type() + " and " + kernel.type());
        }
    }

    @Test
    void wideMatricesAreTiled() {
        Tensor left = numbers(DType.F32, List.of(7L, 33L));
        Tensor right = numbers(DType.F32, List.of(33L, 2100L));
        Op.Contraction op = new Op.Contraction(List.of(), List.of(), List.of(1), List.of(0), DType.F32);
        compareContraction(
                op, left, right, Interpreter.evaluate(op, List.of(left, right)).getFirst());
    }

    @Test
    void emptySumsAreZero() {
        Tensor left = Tensor.allocate(TensorType.of(DType.F32, 2, 0));
        Tensor right = Tensor.allocate(TensorType.of(DType.F32, 0, 3));
        Op.Contraction op = new Op.Contraction(List.of(), List.of(), List.of(1), List.of(0), DType.F32);
        Tensor y = Interpreter.evaluate(op, List.of(left, right)).getFirst();
        assertArrayEquals(new double[6], y.toDoubles());
    }

    private List<Long> extents(int n) {
        List<Long> e = new ArrayList<>();
        for (int i = 0; i < n; i++) e.add(1L + random.nextInt(4));
        return e;
    }

    private List<Integer> shuffled(int n) {
        List<Integer> l = new ArrayList<>();
        for (int i = 0; i < n; i++) l.add(i);
        Collections.shuffle(l, random);
        return l;
    }

    private static List<Long> permuted(List<Long> extents, List<Integer> order) {
        return order.stream().map(extents::get).toList();
    }

    /** Where the original axes [from, to) have gone. */
    private static List<Integer> places(List<Integer> order, int from, int to) {
        List<Integer> p = new ArrayList<>();
        for (int i = from; i < to; i++) p.add(order.indexOf(i));
        return p;
    }

    static long[] index(Shape s, long number) {
        long[] index = new long[s.rank()];
        for (int a = index.length - 1; a >= 0; a--) {
            index[a] = number % s.extent(a);
            number /= s.extent(a);
        }
        return index;
    }

    static long number(Shape s, long[] index) {
        long n = 0;
        for (int a = 0; a < index.length; a++) n = n * s.extent(a) + index[a];
        return n;
    }
}
