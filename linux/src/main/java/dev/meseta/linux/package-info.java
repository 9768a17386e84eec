/**
 * The operating system, through the foreign function interface: memory maps, files in memory, control groups and the
 * calls that devices need. Depends on nothing else of Meseta.
 */
@NullMarked
package dev.meseta.linux;

import org.jspecify.annotations.NullMarked;
