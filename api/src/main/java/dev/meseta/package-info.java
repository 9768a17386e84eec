/**
 * What a program imports: open Meseta, load a model, run it on tensors.
 */
@NullMarked
package dev.meseta;

import org.jspecify.annotations.NullMarked;
