package dev.meseta.compiler;

import dev.meseta.compiler.TileKernel.Operand;
import dev.meseta.driver.Target;
import dev.meseta.graph.DType;
import dev.meseta.graph.Tensor;
import dev.meseta.graph.TensorType;
import dev.meseta.linux.LargeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The constant columns of a product of bytes, in the order in which tiles read them: panels as wide as a tile, in a panel all steps of the
 * sum by fours, for each step four bytes of each column. Where the length of the sum is no multiple of four, zeros follow. Processors
 * without an instruction for that have one for two numbers of 16 bits: for them columns are widened here, and steps are of two.
 *
 * <p>The dot product of bytes multiplies unsigned by signed bytes. Where both operands are signed, or both unsigned, the other one's sign bit is
 * turned over, which adds 128 to it or takes 128 off; what that adds to a sum is 128 times the sum of the column, and is corrected for
 * where the sum begins.
 *
 * @param place of the bytes
 * @param panel the loop variable that stands for the panel's number in the offsets
 * @param steps the loop over the steps of the innermost summed loop
 * @param step numbers of a step: four bytes, or two of 16 bits
 * @param storage of the packed numbers
 * @param offset of the panel's first column, by panel, other loops and steps of the sum
 * @param saturates whether sums of two products saturate at 16 bits
 * @param unsigned whether the columns are the unsigned operand
 * @param turned whether the rows' sign bits are turned over
 * @param matrix the instructions for matrices that multiply them, whatever the signs; null where that is done in vectors
 * @param corrections what the sums begin with, I32; null where it is 0
 * @param correctionOffset of the panel's first column
 */
record DotPanels(
        Place place,
        Atom panel,
        Atom steps,
        int step,
        DType storage,
        Lin offset,
        boolean saturates,
        boolean unsigned,
        boolean turned,
        Target.@Nullable Matrix matrix,
        @Nullable Place corrections,
        Lin correctionOffset) {
    /** Whether steps are of two numbers of 16 bits. */
    boolean pairs() {
        return storage == DType.I16;
    }

    /** Constants that were packed, as long as the models that they belong to are in use. */
    private static final Map<Tensor, Map<List<Object>, Packed>> PACKED = new WeakHashMap<>();

    private record Packed(Tensor numbers, Tensor corrections) {}

    /** How a column's elements lie in the constant. */
    private record Source(
            Tensor from, long base, long columns, long columnStep, List<Long> extents, List<Long> steps, int outer) {
        Source of(Tensor other) {
            return new Source(other, base, columns, columnStep, extents, steps, outer);
        }
    }

    /** Packs the columns of a product, which must be a constant whose extents are literals. */
    static DotPanels of(
            Assembly a, Points points, TileKernel.Shape s, @Nullable Tensor constant, Target.@Nullable Matrix matrix) {
        Tensor from = Objects.requireNonNull(constant);
        Operand c = s.columns();
        List<Atom> loops = new ArrayList<>();
        for (Atom o : s.others()) if ((c.offset().vars() & o.vars()) != 0) loops.add(o);
        int outer = loops.size();
        loops.addAll(s.summed());
        long columns = s.n().extent().value();
        Source source = new Source(
                from,
                Panels.base(c.offset()),
                columns,
                Panels.coefficient(c.offset(), s.n()),
                loops.stream().map(l -> l.extent().value()).toList(),
                loops.stream().map(l -> Panels.coefficient(c.offset(), l)).toList(),
                outer);
        boolean unsigned = c.storage() == DType.U8;
        int step = a.target.byteProducts() ? 4 : 2;
        DType storage = step == 2 ? DType.I16 : c.storage();
        boolean turned = step == 4 && matrix == null && (s.rows().storage() == DType.U8) == unsigned;
        Atom panel = points.loop(Size.of(Math.ceilDiv(columns, s.width())));
        Atom steps = points.loop(Size.of(Math.ceilDiv(loops.getLast().extent().value(), step)));
        List<Size> shape = new ArrayList<>(List.of(panel.extent()));
        for (Atom l : loops.subList(0, loops.size() - 1)) shape.add(l.extent());
        shape.addAll(List.of(steps.extent(), Size.of((long) s.width() * step)));
        List<Lin> index = new ArrayList<>(List.of(Lin.of(panel)));
        for (Atom l : loops.subList(0, loops.size() - 1)) index.add(Lin.of(l));
        index.addAll(List.of(Lin.of(steps), Lin.ZERO));
        List<Size> sums = new ArrayList<>(shape.subList(0, outer + 1));
        List<Lin> at = new ArrayList<>(index.subList(0, outer + 1));
        sums.add(Size.of(s.width()));
        at.add(Lin.ZERO);
        return new DotPanels(
                a.derived(
                        from,
                        t -> packed(source.of(t), s.width(), unsigned, step).numbers()),
                panel,
                steps,
                step,
                storage,
                Points.flat(shape, index),
                step == 4 && a.target.saturates(),
                unsigned,
                turned,
                matrix,
                turned
                        ? a.derived(
                                from,
                                t -> packed(source.of(t), s.width(), unsigned, step)
                                        .corrections())
                        : null,
                Points.flat(sums, at));
    }

    private static Packed packed(Source s, int width, boolean unsigned, int step) {
        List<Object> key = List.of(s.base, s.columns, s.columnStep, s.extents, s.steps, s.outer, width, step);
        synchronized (PACKED) {
            return PACKED.computeIfAbsent(s.from, _ -> new HashMap<>())
                    .computeIfAbsent(key, _ -> pack(s, width, unsigned, step));
        }
    }

    private static Packed pack(Source s, int width, boolean unsigned, int step) {
        int size = step == 2 ? Short.BYTES : 1;
        long panels = Math.ceilDiv(s.columns, width);
        long inner = s.extents.getLast();
        long innerStep = s.steps.getLast();
        long steps = Math.ceilDiv(inner, step);
        long outer = 1;
        for (long e : s.extents.subList(0, s.outer)) outer *= e;
        long middle = 1;
        for (long e : s.extents.subList(s.outer, s.extents.size() - 1)) middle *= e;
        MemorySegment bytes = LargeMemory.allocate(panels * outer * middle * steps * width * step * size);
        int[] sums = new int[Math.toIntExact(panels * outer * width)];
        int used = (int) Math.min(width, s.columns);
        for (long p = 0; p < panels; p++) {
            long first = s.base + Math.max(0, Math.min(p * width, s.columns - width)) * s.columnStep;
            for (long o = 0; o < outer * middle; o++) {
                long start = first + offset(s, o);
                long row = ((p * outer * middle + o) * steps) * width * step;
                int sum = (int) ((p * outer + o / middle) * width);
                for (int c = 0; c < used; c++) {
                    for (long k = 0; k < inner; k++) {
                        byte v = s.from.data().get(ValueLayout.JAVA_BYTE, start + c * s.columnStep + k * innerStep);
                        long at = row + (k / step * width + c) * step + k % step;
                        if (step == 4) bytes.set(ValueLayout.JAVA_BYTE, at, v);
                        else bytes.setAtIndex(ValueLayout.JAVA_SHORT, at, (short) (unsigned ? v & 0xff : v));
                        sums[sum + c] += unsigned ? (v & 0xff) * 128 : v * -128;
                    }
                }
            }
        }
        DType storage = step == 2 ? DType.I16 : unsigned ? DType.U8 : DType.I8;
        TensorType type = TensorType.of(storage, bytes.byteSize() / size);
        return new Packed(Tensor.wrap(type, bytes), Tensor.of(sums, sums.length));
    }

    /** Where the elements begin that belong to a position in the loops but the innermost. */
    private static long offset(Source s, long position) {
        long at = 0;
        for (int i = s.extents.size() - 2; i >= 0; i--) {
            at += position % s.extents.get(i) * s.steps.get(i);
            position /= s.extents.get(i);
        }
        return at;
    }
}
