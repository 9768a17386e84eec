/**
 * The reference interpreter: the meaning of every op in plain Java, one file a family. It is the oracle that devices are compared with,
 * the folder of constants, and the device {@code reference}. It may touch the op set and nothing else. Begin with
 * {@link dev.meseta.graph.interpreter.Interpreter}.
 */
@NullMarked
package dev.meseta.graph.interpreter;

import org.jspecify.annotations.NullMarked;
