/**
 * From a program to graphs: walks a program's calls at concrete shapes, expands each into the op set, and cuts the walk into stages where
 * something must run before it can go on. Begin with {@link dev.meseta.compiler.specialize.Specializer}.
 */
@NullMarked
package dev.meseta.compiler.specialize;

import org.jspecify.annotations.NullMarked;
