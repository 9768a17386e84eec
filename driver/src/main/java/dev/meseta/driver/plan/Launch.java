package dev.meseta.driver.plan;

import dev.meseta.compiler.kernel.Kernel;
import dev.meseta.compiler.kernel.Status;
import dev.meseta.graph.DType;
import dev.meseta.graph.InvalidInputException;
import java.util.List;

/**
 * A launch of a kernel, without the kernel. Immutable.
 *
 * @param number its number among the launches of the plan
 * @param code the number of its code, of which the driver knows more
 * @param kernel the kernel's name
 * @param uses what it has as each of the kernel's buffers
 * @param grid number of iterations, 1 or more
 * @param repetitions how often it runs for the Repeats around it
 */
public record Launch(
        int number,
        int code,
        String kernel,
        List<Use> uses,
        List<Long> extents,
        long grid,
        double repetitions,
        String origin) {
    /**
     * What a launch has as one of its buffers.
     *
     * @param elements that it touches from the place on
     */
    public record Use(String name, DType dtype, Kernel.Access access, long elements, Place place) {
        public boolean isWritten() {
            return access != Kernel.Access.READ;
        }

        public long bytes() {
            return Math.multiplyExact(elements, dtype.bytes());
        }
    }

    /** For people. */
    public String who() {
        return "kernel " + kernel + " of " + origin;
    }

    /** What to throw where its code has left a code of {@link Status}'s, and an index. */
    public RuntimeException failure(long code, long index) {
        if (code == Status.POSITION_OUTSIDE)
            return new InvalidInputException(
                    "node '" + origin + "': an index in the data lies outside the dimension that it points into");
        if (code == Status.LOCAL_ARRAY)
            return new IllegalStateException(who() + " leaves a local array at index " + index);
        int buffer = (int) (code - Status.BUFFER);
        Use u = uses.get(buffer);
        return new IllegalStateException(who() + " leaves buffer #" + buffer + " (" + u.name() + ", " + u.dtype()
                + ") of " + u.elements() + " elements at index " + index);
    }
}
