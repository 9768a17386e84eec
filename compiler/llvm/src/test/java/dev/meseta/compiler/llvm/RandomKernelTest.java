package dev.meseta.compiler.llvm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.compiler.kernel.Expr;
import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.KernelText;
import dev.meseta.compiler.kernel.KernelVerifier;
import dev.meseta.compiler.kernel.Kernels;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.compiler.kernel.Type;
import dev.meseta.graph.DType;
import dev.meseta.graph.MapFunction;
import dev.meseta.graph.Op.Cast.Rounding;
import dev.meseta.graph.ReduceKind;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Random kernels over integers and exact functions of floats give the same bits from LLVM as from the interpreter. */
class RandomKernelTest {
    private static final int KERNELS = 40;
    private static final int SLOW_KERNELS = 10;
    private static final int INPUT = 64;
    private static final int PER_ITERATION = 64;
    private static final long GRID = 5;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomKernels(long seed) {
        randomKernels(LlvmTarget.host(), seed, KERNELS);
    }

    /** Vectors of Arm's NEON, and of SVE with the length that the processor has. */
    @ParameterizedTest
    @CsvSource({"cortex-a76,0", "neoverse-v1,256", "a64fx,512"})
    void onArm(String cpu, int sveBits) {
        Emulator.assume();
        randomKernels(new LlvmTarget("aarch64-unknown-linux-gnu", cpu, "", sveBits), 4, SLOW_KERNELS);
    }

    private static void randomKernels(LlvmTarget target, long seed, int kernels) {
        for (int i = 0; i < kernels; i++) {
            Generator g = new Generator(new Random(seed * 1000 + i));
            Kernel k = g.kernel();
            KernelVerifier.verify(k);
            assertEquals(KernelText.of(k), KernelText.of(k));
            List<Tensor> buffers = new ArrayList<>();
            Random random = new Random(seed);
            for (Kernel.Buffer b : k.buffers()) {
                boolean out = b.access() == Kernel.Access.WRITE;
                Tensor t = Tensor.allocate(b.dtype(), Shape.of(out ? GRID * PER_ITERATION : INPUT));
                for (long e = 0; !out && e < t.elements(); e++) {
                    if (b.dtype().isFloat()) t.setDouble(e, random.nextInt(200) - 100 + random.nextInt(4) / 4.0);
                    else t.setLong(e, random.nextLong() >> random.nextInt(64));
                }
                buffers.add(t);
            }
            try {
                Runner.compare(target, k, buffers, List.of(GRID), new double[buffers.size()], false);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("seed " + seed + ", kernel " + i + "\n" + KernelText.of(k), e);
            }
        }
    }

    /** Makes statements that stay within their buffers and expressions of a wanted type. */
    private static final class Generator {
        private static final DType[] ELEMENTS = {
            DType.F32, DType.F64, DType.I64, DType.I32, DType.I16, DType.I8, DType.U64, DType.U32, DType.U16, DType.U8
        };
        private static final DType[] STORED = {
            DType.F32,
            DType.F64,
            DType.F16,
            DType.BF16,
            DType.I64,
            DType.I32,
            DType.I16,
            DType.I8,
            DType.U64,
            DType.U8,
            DType.BOOL,
            DType.F8E5M2,
            DType.I4
        };

        private final Random random;
        private final List<Kernel.Buffer> buffers = new ArrayList<>();
        private final List<Expr.Var> scope = new ArrayList<>();
        private final List<Expr.Var> declared = new ArrayList<>();
        private int names;

        Generator(Random random) {
            this.random = random;
        }

        Kernel kernel() {
            for (int i = 0; i < 3; i++)
                buffers.add(new Kernel.Buffer("in" + i, pick(STORED), Kernel.Access.READ, Kernels.index(INPUT)));
            for (int i = 0; i < 2; i++)
                buffers.add(new Kernel.Buffer(
                        "out" + i, pick(STORED), Kernel.Access.WRITE, Kernels.mul(Kernels.extent(0), PER_ITERATION)));
            scope.add(Kernel.GRID_VARIABLE);
            List<Stmt> body = new ArrayList<>();
            for (int i = 0; i < 6; i++) body.add(statement(2));
            // At the end, so that every kernel writes.
            for (int i = 3; i < 5; i++) body.add(store(i));
            return new Kernel("random", buffers, 1, Kernels.extent(0), Kernels.block(body));
        }

        private <T> T pick(T[] from) {
            return from[random.nextInt(from.length)];
        }

        private String name() {
            return "n" + names++;
        }

        private Type type() {
            return new Type(pick(ELEMENTS), 1 << random.nextInt(4));
        }

        private Stmt statement(int depth) {
            int scopeSize = scope.size();
            int declaredSize = declared.size();
            switch (random.nextInt(depth > 0 ? 9 : 5)) {
                case 0 -> {
                    Expr e = expression(type(), 3);
                    String name = name();
                    scope.add(new Expr.Var(name, e.type()));
                    return new Stmt.Let(name, e);
                }
                case 1, 2 -> {
                    Expr e = expression(type(), 2);
                    Expr.Var v = new Expr.Var(name(), e.type());
                    scope.add(v);
                    declared.add(v);
                    return new Stmt.Declare(v.name(), e);
                }
                case 3 -> {
                    if (declared.isEmpty()) return store(3);
                    Expr.Var v = declared.get(random.nextInt(declared.size()));
                    return new Stmt.Assign(v.name(), expression(v.type(), 3));
                }
                case 4 -> {
                    return store(3 + random.nextInt(2));
                }
                case 5, 6 -> {
                    String name = name();
                    boolean unroll = random.nextBoolean();
                    scope.add(new Expr.Var(name, Type.INDEX));
                    List<Stmt> body = List.of(statement(depth - 1), statement(depth - 1));
                    forget(scopeSize, declaredSize);
                    Expr end = unroll ? Kernels.index(random.nextInt(4)) : index(4);
                    return new Stmt.For(
                            name, Kernels.index(0), end, 1 + random.nextInt(2), unroll, Kernels.block(body));
                }
                case 7 -> {
                    Stmt then = statement(depth - 1);
                    forget(scopeSize, declaredSize);
                    Stmt otherwise = random.nextBoolean() ? null : statement(depth - 1);
                    forget(scopeSize, declaredSize);
                    return new Stmt.If(expression(Type.BOOL, 2), then, otherwise);
                }
                default -> {
                    return localArray();
                }
            }
        }

        private void forget(int scopeSize, int declaredSize) {
            while (scope.size() > scopeSize) scope.removeLast();
            while (declared.size() > declaredSize) declared.removeLast();
        }

        /** Fills an array, then sums some of it into a new variable. */
        private Stmt localArray() {
            String array = name();
            Type t = new Type(pick(new DType[] {DType.I32, DType.F32, DType.I64, DType.BOOL}), 4);
            String i = name();
            scope.add(new Expr.Var(i, Type.INDEX));
            Stmt fill = Kernels.loop(
                    i,
                    Kernels.index(0),
                    Kernels.index(16),
                    4,
                    new Stmt.StoreLocal(array, Kernels.variable(i), expression(t, 2)));
            scope.removeLast();
            String v = name();
            Expr from = new Expr.LoadLocal(array, index(13), t);
            scope.add(new Expr.Var(v, t));
            return Kernels.block(new Stmt.LocalArray(array, t.with(1), 16), fill, new Stmt.Let(v, from));
        }

        /** An index in [0, limit). */
        private Expr index(long limit) {
            return Kernels.apply(MapFunction.MOD, expression(Type.INDEX, 1), Kernels.index(limit));
        }

        private Expr indices(long limit, int lanes) {
            Type t = new Type(DType.I64, lanes);
            return Kernels.apply(MapFunction.MOD, expression(t, 1), new Expr.Int(t, limit));
        }

        private Stmt store(int buffer) {
            DType stored = buffers.get(buffer).dtype();
            Expr base = Kernels.mul(Kernel.GRID_VARIABLE, PER_ITERATION);
            Type t = new Type(Type.widened(stored), 1 << random.nextInt(4));
            boolean scatter = t.isVector() && random.nextInt(3) == 0;
            Expr at = scatter
                    ? Kernels.apply(MapFunction.ADD, Kernels.splat(base, t.lanes()), indices(PER_ITERATION, t.lanes()))
                    : Kernels.add(base, index(PER_ITERATION - t.lanes() + 1));
            Expr mask = random.nextInt(3) == 0 ? expression(t.with(DType.BOOL), 2) : null;
            return new Stmt.Store(buffer, at, expression(t, 3), mask);
        }

        private Expr load(Type t) {
            for (int tries = 0; tries < 4; tries++) {
                int buffer = random.nextInt(3);
                if (Type.widened(buffers.get(buffer).dtype()) != t.element()) continue;
                Expr mask = random.nextInt(3) == 0 ? expression(t.with(DType.BOOL), 1) : null;
                boolean gather = t.isVector() && random.nextInt(3) == 0;
                return new Expr.Load(
                        buffer, gather ? indices(INPUT, t.lanes()) : index(INPUT - t.lanes() + 1), t, mask);
            }
            return leaf(t);
        }

        private Expr leaf(Type t) {
            List<Expr.Var> fitting =
                    scope.stream().filter(v -> v.type().equals(t)).toList();
            if (!fitting.isEmpty() && random.nextInt(3) != 0) return fitting.get(random.nextInt(fitting.size()));
            if (t.element().isFloat()) return Kernels.literal(t, random.nextInt(64) / 8.0 - 4);
            if (t.element() == DType.BOOL) return new Expr.Int(t, random.nextInt(2));
            return new Expr.Int(t, t.element().isUnsigned() ? random.nextInt(100) : random.nextInt(200) - 100);
        }

        private Expr expression(Type t, int depth) {
            if (depth == 0) return leaf(t);
            return switch (random.nextInt(10)) {
                case 0 -> leaf(t);
                case 1, 2 -> load(t);
                case 3 ->
                    t.isVector() ? new Expr.Splat(expression(t.with(1), depth - 1), t.lanes()) : combine(t, depth);
                case 4 -> shuffle(t, depth);
                case 5 -> convert(t, depth);
                default -> apply(t, depth);
            };
        }

        private Expr combine(Type t, int depth) {
            ReduceKind kind = t.element() == DType.BOOL
                    ? pick(new ReduceKind[] {ReduceKind.AND, ReduceKind.OR})
                    : pick(new ReduceKind[] {ReduceKind.SUM, ReduceKind.MIN, ReduceKind.MAX, ReduceKind.PROD});
            return new Expr.Combine(kind, expression(t.with(1 << random.nextInt(4)), depth - 1));
        }

        private Expr shuffle(Type t, int depth) {
            Type from = t.with(1 << random.nextInt(4));
            List<Integer> lanes = new ArrayList<>();
            for (int i = 0; i < t.lanes(); i++) lanes.add(random.nextInt(2 * from.lanes()));
            return new Expr.Shuffle(expression(from, depth - 1), expression(from, depth - 1), lanes);
        }

        private Expr convert(Type t, int depth) {
            Rounding r = pick(new Rounding[] {Rounding.WRAP, Rounding.SATURATE, Rounding.NEAREST});
            return new Expr.Convert(t.element(), r, expression(t.with(pick(ELEMENTS)), depth - 1));
        }

        private Expr apply(Type t, int depth) {
            if (t.element() == DType.BOOL) {
                Type of = t.with(pick(ELEMENTS));
                MapFunction f = pick(new MapFunction[] {
                    MapFunction.EQ, MapFunction.NE, MapFunction.LT, MapFunction.LE, MapFunction.GT, MapFunction.GE
                });
                return Kernels.apply(f, expression(of, depth - 1), expression(of, depth - 1));
            }
            MapFunction f;
            do {
                f = pick(MapFunction.values());
            } while (!f.accepts(t.element()) || f.isPredicate() || t.element().isFloat() && !exact(f));
            Expr[] operands = new Expr[f.arity()];
            for (int i = 0; i < operands.length; i++)
                operands[i] = expression(f == MapFunction.SELECT && i == 0 ? t.with(DType.BOOL) : t, depth - 1);
            return Kernels.apply(f, operands);
        }

        private static boolean exact(MapFunction f) {
            return switch (f) {
                case NEG, ABS, FLOOR, CEIL, ROUND, TRUNC, ADD, SUB, MUL, MIN, MAX, SELECT, CLAMP -> true;
                default -> false;
            };
        }
    }
}
