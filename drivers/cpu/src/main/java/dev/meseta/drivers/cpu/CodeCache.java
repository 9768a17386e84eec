package dev.meseta.drivers.cpu;

import dev.meseta.machine.Dispatcher;
import dev.meseta.machine.MachineCode;
import java.lang.ref.SoftReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Kernels that this process has loaded, by their symbols, which say what they compute and for which processor. One that no executable holds
 * goes when memory is short. Thread-safe.
 */
final class CodeCache {
    private final Map<String, SoftReference<MachineCode>> codes = new ConcurrentHashMap<>();
    private @Nullable MachineCode dispatcher;

    private static final class Holder {
        static final CodeCache INSTANCE = new CodeCache();
    }

    /** The process's own. */
    static CodeCache get() {
        return Holder.INSTANCE;
    }

    @Nullable
    MachineCode find(String symbol) {
        SoftReference<MachineCode> reference = codes.get(symbol);
        return reference == null ? null : reference.get();
    }

    void put(MachineCode code) {
        codes.put(code.symbol(), new SoftReference<>(code));
    }

    /** Code that a process with an equal compiler made. Throws {@link IllegalArgumentException} for an object file that is broken. */
    MachineCode take(String symbol, byte[] object) {
        MachineCode code = find(symbol);
        if (code != null) return code;
        code = MachineCode.load(object, symbol);
        put(code);
        return code;
    }

    /** The code that runs launches, from an object file if it is not there yet. */
    synchronized MachineCode dispatcher(byte[] object) {
        MachineCode d = dispatcher;
        if (d == null) {
            d = MachineCode.load(object, Dispatcher.SYMBOL);
            dispatcher = d;
        }
        return d;
    }
}
