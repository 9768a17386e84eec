package dev.meseta.drivers.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.llvm.KernelCompiler;
import dev.meseta.compiler.llvm.LlvmTarget;
import dev.meseta.driver.CommandList;
import dev.meseta.driver.plan.ObjectCache;
import dev.meseta.graph.DType;
import dev.meseta.machine.ArgumentLayout;
import dev.meseta.machine.Dispatcher;
import dev.meseta.machine.MachineCode;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

/**
 * Packages hold plans, and outlive the version that wrote them. A change of a plan's form, or of what code in it and its callers agree on, is
 * found here; nobody needs to remember that the number must rise.
 */
class PlanFormTest {
    /** Each form that there was, with what {@link #fingerprint} gave. */
    private static final Map<Integer, Long> HISTORY = Map.of(1, 0xdd4bc9f9L, 2, 0xa08c8838L, 3, 0x9e5a8cbdL);

    @Test
    void aChangedFormHasANewNumber() throws IOException {
        long found = fingerprint();
        assertEquals(
                Objects.requireNonNull(HISTORY.get(PlanImage.FORM), "form " + PlanImage.FORM + " is not in HISTORY"),
                found,
                () -> "plans in packages have another form than form " + PlanImage.FORM
                        + " had: raise PlanImage.FORM, and" + " add the new form to HISTORY with 0x"
                        + Long.toHexString(found) + "L");
    }

    /** Of a plan with every kind of slot and step, without its machine code, and of what that code is handed. */
    private static long fingerprint() throws IOException {
        CommandList control = CpuExecutableTest.control();
        CommandList chain = CpuExecutableTest.chain(3);
        CRC32C sum = new CRC32C();
        KernelCache kernels =
                new KernelCache(new KernelCompiler(LlvmTarget.host(), false), ObjectCache.configured("kernels"), 1);
        for (CommandList list : List.of(control, chain))
            sum.update(withoutCode(Plan.of(list, new KernelBatch(kernels, 1))));
        ByteArrayOutputStream agreed = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(agreed);
        ArgumentLayout layout = new ArgumentLayout(3, 2);
        for (long n : new long[] {
            layout.buffer(1),
            layout.extent(1),
            layout.size(1),
            layout.status(),
            layout.bytes(),
            ArgumentLayout.POSITION_OUTSIDE,
            ArgumentLayout.LOCAL_ARRAY,
            ArgumentLayout.BUFFER,
            ArgumentLayout.STATUS_BYTES,
            Dispatcher.RECORD_BYTES,
            Dispatcher.FAILED,
            Dispatcher.WAITING,
            Dispatcher.OVER,
            Dispatcher.RUN,
            Dispatcher.RESUME,
            Dispatcher.HELP
        }) out.writeLong(n);
        out.writeUTF(Dispatcher.SYMBOL);
        // Numbers stand for these: their order is part of the form.
        for (DType t : DType.values()) out.writeUTF(t.text());
        for (Kernel.Access a : Kernel.Access.values()) out.writeUTF(a.name());
        sum.update(agreed.toByteArray());
        return sum.getValue();
    }

    /** The plan's bytes without object files and the symbols in them, which are another compiler's with every version of LLVM. */
    private static byte[] withoutCode(Plan plan) {
        byte[] bytes = PlanImage.of(plan).program();
        bytes = without(bytes, plan.dispatcher().object());
        for (MachineCode c : plan.codes()) {
            bytes = without(bytes, c.object());
            bytes = without(bytes, c.symbol().getBytes(java.nio.charset.StandardCharsets.UTF_8));
        }
        return bytes;
    }

    /** The bytes without the first place that holds a part, with its length before it; as they are where there is none (a kernel's second launch). */
    private static byte[] without(byte[] bytes, byte[] part) {
        for (int i = 4; i <= bytes.length - part.length; i++) {
            if (!Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) continue;
            byte[] rest = new byte[bytes.length - part.length - 4];
            System.arraycopy(bytes, 0, rest, 0, i - 4);
            System.arraycopy(bytes, i + part.length, rest, i - 4, bytes.length - i - part.length);
            return rest;
        }
        return bytes;
    }
}
