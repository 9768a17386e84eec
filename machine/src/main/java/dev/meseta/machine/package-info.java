/**
 * Machine code in this process: object files loaded without a compiler, and what code and its callers agree on. Begin with {@link
 * dev.meseta.machine.MachineCode}.
 */
@NullMarked
package dev.meseta.machine;

import org.jspecify.annotations.NullMarked;
