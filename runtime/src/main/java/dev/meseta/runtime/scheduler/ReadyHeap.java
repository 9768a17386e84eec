package dev.meseta.runtime.scheduler;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Clients whose next job can run, by virtual runtime, least first; of equal ones the one that came first. Guarded by the scheduler's lock. */
final class ReadyHeap {
    private @Nullable Client[] heap = new Client[64];
    private int size;

    int size() {
        return size;
    }

    @Nullable
    Client peek() {
        return heap[0];
    }

    void add(Client c) {
        if (size == heap.length) heap = Arrays.copyOf(heap, 2 * size);
        place(c, size);
        size++;
        up(c);
    }

    void remove(Client c) {
        int i = c.heapIndex;
        Client last = at(--size);
        heap[size] = null;
        c.heapIndex = Client.NOT_READY;
        if (last == c) return;
        place(last, i);
        moved(last);
    }

    /** To be called after the virtual runtime of a client of the heap has changed. */
    void moved(Client c) {
        up(c);
        down(c);
    }

    private Client at(int i) {
        Client c = heap[i];
        if (c == null) throw new IllegalStateException("the heap has a hole at " + i);
        return c;
    }

    private void place(Client c, int i) {
        heap[i] = c;
        c.heapIndex = i;
    }

    private void up(Client c) {
        int i = c.heapIndex;
        while (i > 0) {
            Client parent = at((i - 1) / 2);
            if (!before(c, parent)) break;
            place(parent, i);
            i = (i - 1) / 2;
        }
        place(c, i);
    }

    private void down(Client c) {
        int i = c.heapIndex;
        while (2 * i + 1 < size) {
            int child = 2 * i + 1;
            if (child + 1 < size && before(at(child + 1), at(child))) child++;
            if (!before(at(child), c)) break;
            place(at(child), i);
            i = child;
        }
        place(c, i);
    }

    private static boolean before(Client a, Client b) {
        return a.virtualRuntime != b.virtualRuntime
                ? a.virtualRuntime - b.virtualRuntime < 0
                : a.readySince - b.readySince < 0;
    }
}
