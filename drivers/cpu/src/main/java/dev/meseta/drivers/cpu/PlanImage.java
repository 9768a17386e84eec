package dev.meseta.drivers.cpu;

import dev.meseta.driver.ByteForm;
import dev.meseta.driver.Image;
import dev.meseta.driver.plan.Launch;
import dev.meseta.driver.plan.LaunchPlan;
import dev.meseta.driver.plan.PlanForm;
import dev.meseta.machine.MachineCode;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A plan as bytes: as {@link PlanForm}, with machine code. Whoever keeps images sees to it that they are whole; what can be told here of a wrong
 * one is an {@link IllegalArgumentException}.
 */
final class PlanImage {
    /** Version of the form, and of what code and its callers agree on; to be raised with any change of either ({@code PlanFormTest} sees to it). */
    static final int FORM = 3;

    private static final int WORTH_A_THREAD = 4;

    private PlanImage() {}

    static Image of(Plan plan) {
        return PlanForm.image(FORM, plan.launches(), out -> {
            out.writeBoolean(plan.checking());
            for (Launch l : plan.launches().launches()) out.writeLong(plan.chunk(l));
            ByteForm.bytes(out, plan.dispatcher().object());
            // Kernels that compute the same have the same code.
            Map<MachineCode, Integer> numbers = new LinkedHashMap<>();
            for (MachineCode c : plan.codes()) numbers.putIfAbsent(c, numbers.size());
            out.writeInt(numbers.size());
            for (MachineCode c : numbers.keySet()) {
                ByteForm.text(out, c.symbol());
                ByteForm.bytes(out, c.object());
            }
            ByteForm.numbers(out, plan.codes().stream().map(numbers::get).toList());
        });
    }

    static Plan load(Image image, CodeCache kernels) {
        return PlanForm.load(image, FORM, (plan, in) -> read(plan, in, kernels));
    }

    private static Plan read(LaunchPlan plan, ByteBuffer in, CodeCache kernels) {
        boolean checking = in.get() != 0;
        long[] chunks = new long[plan.launches().size()];
        for (int i = 0; i < chunks.length; i++) chunks[i] = in.getLong();
        MachineCode dispatcher = kernels.dispatcher(ByteForm.bytes(in));
        int count = ByteForm.count(in);
        List<String> symbols = new ArrayList<>(count);
        List<byte[]> objects = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            symbols.add(ByteForm.text(in));
            objects.add(ByteForm.bytes(in));
        }
        MachineCode[] all = load(symbols, objects, kernels);
        List<MachineCode> codes = ByteForm.numbers(in).stream().map(i -> all[i]).toList();
        return new Plan(plan, codes, dispatcher, checking, chunks);
    }

    /** Loads object files; a thread beside takes some of them, because Java has not compiled this yet where somebody waits for it. */
    private static MachineCode[] load(List<String> symbols, List<byte[]> objects, CodeCache kernels) {
        MachineCode[] all = new MachineCode[symbols.size()];
        AtomicInteger next = new AtomicInteger();
        Runnable some = () -> {
            for (int i = next.getAndIncrement(); i < all.length; i = next.getAndIncrement())
                all[i] = kernels.take(symbols.get(i), objects.get(i));
        };
        FutureTask<?> beside = new FutureTask<>(some, null);
        if (all.length >= WORTH_A_THREAD)
            Thread.ofPlatform().daemon().name("meseta-load").start(beside);
        some.run();
        if (all.length >= WORTH_A_THREAD) KernelCache.get(beside);
        return all;
    }
}
