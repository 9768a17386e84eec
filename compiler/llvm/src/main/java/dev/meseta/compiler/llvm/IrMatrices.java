package dev.meseta.compiler.llvm;

import dev.meseta.compiler.kernel.MatrixType;
import dev.meseta.compiler.kernel.Stmt;
import dev.meseta.graph.DType;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/**
 * Products of small matrices of bytes by x86's registers for them (AMX): eight, which are all set up for 16 rows of 64 bytes when a kernel
 * begins, and given back when it ends. Left factors have a row in each row; right ones, which lie by fours, four rows; sums are of I32.
 *
 * <p>Registers are numbered here and not by LLVM, as a stack: one is taken where a matrix gets its name, and free again at the end of the
 * loop around it. See Intel's Architecture Instruction Set Extensions Programming Reference, chapter 3.
 */
final class IrMatrices {
    private static final int REGISTERS = 8;
    private static final int ROWS = 16;
    private static final int ROW_BYTES = 64;

    /** The kind of set-up that there is, and where it has the bytes and the number of rows of each register. */
    private static final int PALETTE = 1;

    private static final int SETUP_BYTES = 64;
    private static final int SETUP_ROW_BYTES = 16;
    private static final int SETUP_ROWS = 48;

    private record Matrix(MatrixType type, int register) {}

    private final IrBuilder b;
    private final boolean available;
    private final Map<String, Matrix> known = new HashMap<>();
    private int used;
    private boolean any;

    IrMatrices(IrBuilder b, LlvmTarget target) {
        this.b = b;
        this.available = target.has("amx-int8");
    }

    /** How many registers are taken: to give back those taken since by {@link #release}. */
    int mark() {
        return used;
    }

    void release(int mark) {
        used = mark;
    }

    private Matrix take(String name, MatrixType t, MatrixType fitting) {
        if (!available) throw new IllegalArgumentException("the processor has no matrices, as " + name + " is");
        if (!t.equals(fitting))
            throw new IllegalArgumentException("the processor has no matrices of " + t + ", as " + name + " is");
        if (used == REGISTERS) throw new IllegalArgumentException("no register is left for the matrix " + name);
        any = true;
        Matrix m = new Matrix(t, used++);
        known.put(name, m);
        return m;
    }

    private Matrix get(String name) {
        Matrix m = known.get(name);
        if (m == null) throw new IllegalArgumentException("there is no matrix " + name);
        return m;
    }

    void zero(Stmt.ZeroMatrix z) {
        Matrix m = take(z.name(), z.type(), new MatrixType(DType.I32, ROWS, ROW_BYTES / DType.I32.bytes()));
        b.declare("declare void @llvm.x86.tilezero(i8 immarg)");
        b.run("call void @llvm.x86.tilezero(i8 " + m.register() + ")");
    }

    /** Takes a register for a factor. What it holds does not count before {@link #load}. */
    void declare(Stmt.LoadMatrix l) {
        DType t = l.type().element();
        boolean order = l.order() == (l.left() ? Stmt.Order.ROWS : Stmt.Order.FOURS);
        if (t.bytes() != 1 || !order)
            throw new IllegalArgumentException("the processor has no matrices that lie as " + l.name() + " does");
        MatrixType fitting = l.left() ? new MatrixType(t, ROWS, ROW_BYTES) : new MatrixType(t, 4 * ROWS, ROW_BYTES / 4);
        take(l.name(), l.type(), fitting);
    }

    /** @param address of the first element */
    void load(Stmt.LoadMatrix l, String address) {
        b.declare("declare void @llvm.x86.tileloadd64(i8 immarg, ptr, i64)");
        b.run("call void @llvm.x86.tileloadd64(i8 " + get(l.name()).register() + ", ptr " + address + ", i64 "
                + l.stride() + ")");
    }

    void multiply(Stmt.MultiplyMatrices x) {
        Matrix left = get(x.left());
        Matrix right = get(x.right());
        String name = "@llvm.x86.tdpb" + sign(left) + sign(right) + "d";
        b.declare("declare void " + name + "(i8 immarg, i8 immarg, i8 immarg)");
        b.run("call void " + name + "(i8 " + get(x.sum()).register() + ", i8 " + left.register() + ", i8 "
                + right.register() + ")");
    }

    private static String sign(Matrix m) {
        return m.type().element() == DType.U8 ? "u" : "s";
    }

    /** How far behind the first element of what is stored the last one lies. */
    long last(Stmt.StoreMatrix t) {
        MatrixType m = get(t.sum()).type();
        return (m.rows() - 1L) * t.stride() + m.columns() - 1;
    }

    /** @param address of the first element */
    void store(Stmt.StoreMatrix t, String address) {
        b.declare("declare void @llvm.x86.tilestored64(i8 immarg, ptr, i64)");
        b.run("call void @llvm.x86.tilestored64(i8 " + get(t.sum()).register() + ", ptr " + address + ", i64 "
                + (long) t.stride() * DType.I32.bytes() + ")");
    }

    /** What comes before a kernel's code: sets the registers up, if there are matrices. */
    String begin() {
        if (!any) return "";
        b.declare("declare void @llvm.x86.ldtilecfg(ptr)");
        b.declare("@matrices = internal constant [" + SETUP_BYTES + " x i8] c\"" + setup() + "\"");
        return "  call void @llvm.x86.ldtilecfg(ptr @matrices)\n";
    }

    /** What comes behind it. */
    String end() {
        if (!any) return "";
        b.declare("declare void @llvm.x86.tilerelease()");
        return "  call void @llvm.x86.tilerelease()\n";
    }

    private static String setup() {
        byte[] bytes = new byte[SETUP_BYTES];
        bytes[0] = PALETTE;
        for (int i = 0; i < REGISTERS; i++) {
            bytes[SETUP_ROW_BYTES + 2 * i] = ROW_BYTES;
            bytes[SETUP_ROWS + i] = ROWS;
        }
        StringBuilder text = new StringBuilder();
        for (byte x : bytes) text.append('\\').append(HexFormat.of().toHexDigits(x));
        return text.toString();
    }
}
