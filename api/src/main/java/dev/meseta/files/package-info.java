/**
 * The files that tensors come from and go to: {@link dev.meseta.files.Npy}, {@link dev.meseta.files.Npz}, {@link dev.meseta.files.Raw}
 * and pictures by {@link dev.meseta.files.Images}. Knows data alone: neither models nor devices. Everything here is stateless and
 * thread-safe, and treats a file as hostile: what its header claims is held against its size before memory is taken. Begin with
 * {@link dev.meseta.files.Npy}.
 */
@NullMarked
package dev.meseta.files;

import org.jspecify.annotations.NullMarked;
