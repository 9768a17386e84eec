/**
 * Who runs next on a device, and what becomes of a job that fails, hangs, or loses its device: the same for every device. Begin with
 * {@link dev.meseta.runtime.scheduler.Scheduler}.
 */
@NullMarked
package dev.meseta.runtime.scheduler;

import org.jspecify.annotations.NullMarked;
