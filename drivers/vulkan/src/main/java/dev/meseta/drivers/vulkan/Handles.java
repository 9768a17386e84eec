package dev.meseta.drivers.vulkan;

import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.List;

/** Objects of a device that are destroyed together, the last first. Used by one thread at a time. */
final class Handles implements Runnable {
    private static final Cleaner CLEANER =
            Cleaner.create(Thread.ofPlatform().daemon().name("meseta-vulkan").factory());

    private final Context c;
    private final List<Handle> all = new ArrayList<>();

    private record Handle(String destroy, long handle) {}

    Handles(Context c) {
        this.c = c;
    }

    /** Makes one, by the names of the functions that make it and destroy it. */
    long create(String create, Struct info, String destroy) {
        long handle = c.create(create, info);
        all.add(new Handle(destroy, handle));
        return handle;
    }

    /** Has them destroyed when their owner is no longer reachable, or what is returned is told to. */
    Cleaner.Cleanable ownedBy(Object owner) {
        return CLEANER.register(owner, this);
    }

    /** Destroys them; nothing may use them any more. */
    @Override
    public void run() {
        for (Handle h : all.reversed()) c.vk.call(h.destroy, c.device, h.handle, 0);
        all.clear();
    }
}
