/**
 * What the runtime tells of its work, as events of the JVM's Flight Recorder. Nothing of it is loaded before a recording is under way. Begin
 * with {@link dev.meseta.runtime.trace.Trace}.
 */
@NullMarked
package dev.meseta.runtime.trace;

import org.jspecify.annotations.NullMarked;
