/** Divides graphs between a device for parts of them and one that runs all. Begin with {@link dev.meseta.compiler.partition.Partition}. */
@NullMarked
package dev.meseta.compiler.partition;

import org.jspecify.annotations.NullMarked;
