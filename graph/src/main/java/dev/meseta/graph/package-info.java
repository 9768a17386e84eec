/**
 * The op set: types, shapes, graphs, their verifier, their text form and the interpreter that defines what each
 * operator means. Depends on nothing else of Meseta.
 */
@NullMarked
package dev.meseta.graph;

import org.jspecify.annotations.NullMarked;
