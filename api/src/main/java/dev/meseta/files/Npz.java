package dev.meseta.files;

import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** numpy's npz format: a zip archive of npy files, stored or deflated. */
public final class Npz {
    /** Deflate cannot shrink data further than this; an entry that claims to is damaged or hostile. */
    private static final long DEFLATE_LIMIT = 1032;

    private static final String SUFFIX = ".npy";

    private Npz() {}

    /**
     * Reads all arrays of a file, in the file's order, by their names without {@code .npy}.
     *
     * @throws InvalidInputException if it cannot be read, is no npz file, or one of its arrays is not valid
     */
    public static Map<String, Data> read(Path file) {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            Map<String, Data> arrays = new LinkedHashMap<>();
            for (ZipEntry entry : Collections.list(zip.entries())) {
                if (entry.isDirectory()) continue;
                String name = entry.getName();
                String where = file + " (" + name + ")";
                if (!name.endsWith(SUFFIX)) {
                    throw new InvalidInputException(where + ": not an npy file; an npz file holds npy files alone");
                }
                long packed = entry.getCompressedSize();
                if (entry.getSize() < 0
                        || packed < 0
                        || entry.getSize() > Math.min(packed, 1L << 48) * DEFLATE_LIMIT + 64) {
                    throw new InvalidInputException(
                            where + ": claims to unpack " + packed + " bytes into " + entry.getSize());
                }
                try (InputStream in = zip.getInputStream(entry)) {
                    Data data = Npy.read(in, entry.getSize(), where, null);
                    if (in.read() >= 0) throw new InvalidInputException(where + ": holds more than it claims");
                    if (arrays.put(name.substring(0, name.length() - SUFFIX.length()), data) != null) {
                        throw new InvalidInputException(where + ": is there twice");
                    }
                }
            }
            return arrays;
        } catch (NoSuchFileException e) {
            throw new InvalidInputException(file + ": no such file", e);
        } catch (ZipException e) {
            throw new InvalidInputException(file + ": not a valid npz file: " + e.getMessage(), e);
        } catch (IOException | IllegalArgumentException e) {
            // IllegalArgumentException: names in the archive that are not text.
            throw new InvalidInputException(file + ": cannot be read: " + e.getMessage(), e);
        }
    }

    /**
     * Writes arrays into a file, replacing one that is there; what they become is told at {@link Npy#write(Path, Data)}. The items of a
     * sequence are numbered ({@code name.0}, {@code name.1}, …), the value of an optional has its name, an empty one is left out.
     *
     * @param arrays by name, in the order of the file
     * @param deflate whether to compress
     * @throws InvalidInputException if the file cannot be written, or for a map among the data
     */
    public static void write(Path file, Map<String, ? extends Data> arrays, boolean deflate) {
        try (ZipOutputStream zip =
                new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(file), 1 << 16))) {
            for (Map.Entry<String, ? extends Data> e : arrays.entrySet()) {
                writeOne(zip, e.getKey(), e.getValue(), deflate, file.toString());
            }
        } catch (ZipException e) {
            throw new InvalidInputException(file + ": cannot be written: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new InvalidInputException(file + ": cannot be written: " + e, e);
        }
    }

    private static void writeOne(ZipOutputStream zip, String name, Data data, boolean deflate, String where)
            throws IOException {
        if (data instanceof Data.Sequence(List<Data> items)) {
            for (int i = 0; i < items.size(); i++) writeOne(zip, name + "." + i, items.get(i), deflate, where);
            return;
        }
        if (data instanceof Data.Optional(Data value)) {
            if (value != null) writeOne(zip, name, value, deflate, where);
            return;
        }
        ZipEntry entry = new ZipEntry(name + SUFFIX);
        // A fixed time: equal arrays make equal files.
        entry.setTimeLocal(java.time.LocalDateTime.of(1980, 1, 1, 0, 0));
        if (!deflate) {
            // An entry that is stored says its length and checksum before its bytes.
            CRC32 sum = new CRC32();
            long[] length = {0};
            Npy.write(
                    new OutputStream() {
                        @Override
                        public void write(int b) {
                            sum.update(b);
                            length[0]++;
                        }

                        @Override
                        public void write(byte[] bytes, int offset, int count) {
                            sum.update(bytes, offset, count);
                            length[0] += count;
                        }
                    },
                    data,
                    where);
            entry.setMethod(ZipEntry.STORED);
            entry.setSize(length[0]);
            entry.setCompressedSize(length[0]);
            entry.setCrc(sum.getValue());
        }
        zip.putNextEntry(entry);
        Npy.write(zip, data, where);
        zip.closeEntry();
    }
}
