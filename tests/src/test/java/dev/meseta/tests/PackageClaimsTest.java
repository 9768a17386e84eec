package dev.meseta.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.runtime.ModelPackage;
import dev.meseta.tests.PackageBytes.Section;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Files whose checksums are right, and whose contents claim what they do not have. */
final class PackageClaimsTest {
    private static final long LITTLE = 1 << 20;
    private static final int[] COUNTS = {
        Integer.MAX_VALUE, Integer.MAX_VALUE - 8, -1, Integer.MIN_VALUE, 1 << 20, 1 << 30, 5
    };
    private static final Section TARGET = PackageBytes.target("cpu", "form 3 x86_64");

    private static Section signature() {
        return Section.of(PackageBytes.SIGNATURE, out -> {
            PackageBytes.text(out, "name");
            out.writeInt(0);
            out.writeInt(0);
            out.writeInt(0);
        });
    }

    private static byte[] withPlans(PackageBytes.Content plans) {
        return PackageBytes.of(List.of(
                TARGET,
                signature(),
                Section.of(PackageBytes.PLANS, plans),
                new Section(PackageBytes.WEIGHTS, new byte[64])));
    }

    /** One plan that runs nothing and has one constant. */
    private static void constant(DataOutputStream out, int rank, long extent, int section, long offset)
            throws IOException {
        out.writeInt(1);
        PackageBytes.text(out, "");
        out.writeInt(-1);
        out.writeInt(1);
        out.writeByte(DType.F32.ordinal());
        out.writeInt(rank);
        out.writeLong(extent);
        out.writeInt(section);
        out.writeLong(offset);
        PackageBytes.text(out, "");
    }

    private static List<byte[]> liars() {
        List<byte[]> all = new ArrayList<>();
        for (int n : COUNTS) {
            all.add(PackageBytes.of(List.of(Section.of(PackageBytes.TARGET, out -> {
                out.writeInt(1);
                out.writeInt(n);
            }))));
            all.add(PackageBytes.of(List.of(TARGET, Section.of(PackageBytes.SIGNATURE, out -> {
                PackageBytes.text(out, "name");
                out.writeInt(n);
            }))));
            all.add(PackageBytes.of(List.of(TARGET, Section.of(PackageBytes.SIGNATURE, out -> {
                PackageBytes.text(out, "name");
                out.writeInt(1);
                PackageBytes.text(out, "x");
                out.write(new byte[] {0, 0, 0});
                out.writeInt(n);
            }))));
            all.add(withPlans(out -> out.writeInt(n)));
            all.add(withPlans(out -> {
                out.writeInt(1);
                PackageBytes.text(out, "");
                out.writeInt(-1);
                out.writeInt(n);
            }));
            all.add(withPlans(out -> {
                out.writeInt(1);
                PackageBytes.text(out, "");
                // -1 says that nothing runs.
                out.writeInt(n == -1 ? -2 : n);
                out.writeInt(0);
                PackageBytes.text(out, "");
            }));
            all.add(withPlans(out -> constant(out, n, 1, 3, 0)));
            for (long extent : new long[] {Long.MAX_VALUE, 1L << 62, 1L << 40, 17, -1})
                all.add(withPlans(out -> constant(out, 1, extent, 3, 0)));
            all.add(withPlans(out -> constant(out, 1, 1, n, 0)));
            for (long offset : new long[] {Long.MAX_VALUE, Long.MIN_VALUE, -1, 61, n * 4096L})
                all.add(withPlans(out -> constant(out, 1, 1, 3, offset)));
        }
        all.add(withPlans(out -> out.writeInt(0)));
        return all;
    }

    private static void refused(byte[] file) {
        String message = assertThrows(
                        InvalidInputException.class,
                        () -> ModelPackage.of(Path.of("some.mpk"), MemorySegment.ofArray(file)))
                .getMessage();
        assertTrue(message.startsWith("some.mpk cannot be used as a package: "), message);
    }

    @Test
    void aTruthfulFileIsRead() {
        byte[] file = withPlans(out -> constant(out, 1, 16, 3, 0));
        ModelPackage read = ModelPackage.of(Path.of("some.mpk"), MemorySegment.ofArray(file));
        assertEquals("cpu", read.made().driver());
        assertEquals(64, read.weightBytes());
    }

    @Test
    void claimsAreRefusedAndAllocateNothing() {
        List<byte[]> liars = liars();
        // Classes are loaded, and messages made, at the first time.
        liars.forEach(PackageClaimsTest::refused);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long id = Thread.currentThread().threadId();
        for (int i = 0; i < liars.size(); i++) {
            byte[] b = liars.get(i);
            int number = i;
            long before = threads.getThreadAllocatedBytes(id);
            refused(b);
            long taken = threads.getThreadAllocatedBytes(id) - before;
            assertTrue(taken < LITTLE, () -> "claim " + number + " made us allocate " + taken + " bytes");
        }
    }
}
