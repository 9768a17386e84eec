package dev.meseta.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.meseta.graph.DType;
import dev.meseta.graph.Data;
import dev.meseta.graph.InvalidInputException;
import dev.meseta.graph.Shape;
import dev.meseta.graph.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files in base64 were written by numpy 2.4. */
final class NpyTest {
    private static final String FORTRAN_I16 =
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPGkyJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMyksIH0gICAgICAg"
                    + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAMAAQAEAAIABQA=";
    private static final String BIG_F32 =
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPmY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIpLCB9ICAgICAg"
                    + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/wAAAwAAAAEBQAAB/gAAA";
    private static final String TEXT =
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPFU1JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDIpLCB9ICAgICAg"
                    + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAphAAAAAAAAAAAAAAAAAAAAAAAAAEcA"
                    + "AAByAAAA/AAAAN8AAABlAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADlZQAALGcAAAAAAAAAAAAAAAAAAA==";
    private static final String BIG_COMPLEX =
            "k05VTVBZAQB2AHsnZGVzY3InOiAnPmM4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsKSwgfSAgICAgICAg"
                    + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/gAAAQAAAAA==";
    private static final String VERSION_3_F16 =
            "k05VTVBZAwB0AAAAeydkZXNjcic6ICc8ZjInLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAg"
                    + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAPgA+";
    private static final String COMPRESSED_NPZ =
            "UEsDBC0AAAAIAAAAIQBPpDwS//////////8FABQAYS5ucHkBABAAkAAAAAAAAABJAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6l"
                    + "oG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CkaaOgq1CmQDLgY0AABQSwMELQAAAAgAAAAhAO4Zu13/////"
                    + "/////wUAFABiLm5weQEAEACCAAAAAAAAAEYAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXpNkqK6joJ6WX1RSlJgXn1+UkgoS"
                    + "d0vMKU4FihdnJBakAvkaRjqaOgq1ChQALkYGAFBLAQItAy0AAAAIAAAAIQBPpDwSSQAAAJAAAAAFAAAAAAAAAAAAAACAAQAAAABh"
                    + "Lm5weVBLAQItAy0AAAAIAAAAIQDuGbtdRgAAAIIAAAAFAAAAAAAAAAAAAACAAYAAAABiLm5weVBLBQYAAAAAAgACAGYAAAD9AAAA"
                    + "AAA=";

    @TempDir
    Path folder;

    private Path file(byte[] bytes) throws IOException {
        return Files.write(folder.resolve("array.npy"), bytes);
    }

    private Data read(String base64) throws IOException {
        return Npy.read(file(Base64.getDecoder().decode(base64)));
    }

    private static byte[] npy(String header, byte... data) {
        byte[] text = header.getBytes(StandardCharsets.ISO_8859_1);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(
                new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) text.length, (byte) (text.length >> 8)});
        out.writeBytes(text);
        out.writeBytes(data);
        return out.toByteArray();
    }

    private String refusal(byte[] bytes) throws IOException {
        Path file = file(bytes);
        String message =
                assertThrows(InvalidInputException.class, () -> Npy.read(file)).getMessage();
        assertTrue(message.contains(file.toString()), message);
        return message;
    }

    @Test
    void columnMajorIsTurnedRowMajor() throws IOException {
        Tensor t = (Tensor) read(FORTRAN_I16);
        assertEquals("i16[2,3]", t.describe());
        assertArrayEquals(new long[] {0, 1, 2, 3, 4, 5}, t.toLongs());
    }

    @Test
    void bigEndianIsTurned() throws IOException {
        Tensor t = (Tensor) read(BIG_F32);
        assertArrayEquals(new float[] {1.5f, -2, 3.25f, Float.POSITIVE_INFINITY}, t.toFloats());
        Tensor c = (Tensor) read(BIG_COMPLEX);
        assertEquals("c64[1]", c.describe());
        assertArrayEquals(new float[] {1, 2}, c.data().toArray(java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED));
    }

    @Test
    void textIsUnpadded() throws IOException {
        Data.Strings s = assertInstanceOf(Data.Strings.class, read(TEXT));
        assertEquals(List.of("a", "Grüße", "", "日本"), s.values());
        assertEquals(Shape.of(2, 2), s.shape());
    }

    @Test
    void versionThreeAndHalfFloats() throws IOException {
        Tensor t = (Tensor) read(VERSION_3_F16);
        assertEquals(DType.F16, t.dtype());
        assertArrayEquals(new double[] {1.5, 1.5}, t.toDoubles());
    }

    @Test
    void untypedBytesAreReadAsTheExpectedType() throws IOException {
        Path two = file(npy("{'descr': '<V2', 'fortran_order': False, 'shape': (1,), }\n", (byte) 0x80, (byte) 0x3f));
        assertEquals(1.0, ((Tensor) Npy.read(two)).getDouble(0));
        byte[] one = npy("{'descr': '|V1', 'fortran_order': False, 'shape': (), }\n", (byte) 0x38);
        assertTrue(refusal(one).contains("V1"));
        assertEquals(1.0, ((Tensor) Npy.read(file(one), DType.F8E4M3FN)).getDouble(0));
    }

    @Test
    void everyTypeComesBackAsItWentOrAsTheStatedWiderOne() {
        Random random = new Random(7);
        Path file = folder.resolve("out.npy");
        for (DType d : DType.values()) {
            Tensor t = Tensor.allocate(d, Shape.of(2, 0, 3).elements() == 0 ? Shape.of(2, 3) : Shape.SCALAR);
            for (long i = 0; i < t.data().byteSize(); i++) {
                byte b = (byte) (d.isFloat() || d.bits() < 8 ? 1 : random.nextInt());
                t.data().set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, b);
            }
            Npy.write(file, t);
            Tensor back = (Tensor) Npy.read(file);
            assertEquals(t.shape(), back.shape());
            boolean exact = d.bits() >= 8 && !(d.isFloat() && d.bits() == 8) || d == DType.BOOL;
            if (exact) assertEquals(-1, t.data().mismatch(back.data()), d.toString());
            else assertArrayEquals(t.toDoubles(), back.toDoubles(), d.toString());
        }
    }

    @Test
    void emptyAndScalarArraysComeBack() {
        Path file = folder.resolve("out.npy");
        for (Shape s : List.of(Shape.SCALAR, Shape.of(0), Shape.of(2, 0, 3), Shape.of(1, 1))) {
            Npy.write(file, Tensor.allocate(DType.F32, s));
            assertEquals(s, ((Tensor) Npy.read(file)).shape());
            Data.Strings strings = new Data.Strings(s, java.util.Collections.nCopies((int) s.elements(), ""));
            Npy.write(file, strings);
            assertEquals(strings, Npy.read(file));
        }
    }

    @Test
    void longStringsWithUnusualCharactersComeBack() {
        Path file = folder.resolve("out.npy");
        Data.Strings s = new Data.Strings(Shape.of(3), List.of("𝔘nicode", "x".repeat(300), ""));
        Npy.write(file, s);
        assertEquals(s, Npy.read(file));
    }

    @Test
    void damagedFilesAreRefusedWithAReason() throws IOException {
        byte[] good = Base64.getDecoder().decode(BIG_F32);
        assertTrue(refusal(new byte[0]).contains("not an npy file"));
        assertTrue(refusal("PK\3\4 something".getBytes(StandardCharsets.ISO_8859_1))
                .contains("not an npy file"));
        assertTrue(refusal(Arrays.copyOf(good, good.length - 1)).contains("truncated"));
        assertTrue(refusal(Arrays.copyOf(good, good.length + 1)).contains("longer"));
        assertTrue(refusal(Arrays.copyOf(good, 40)).contains("claims"));
        byte[] newer = good.clone();
        newer[6] = 9;
        assertTrue(refusal(newer).contains("version 9"));
        assertTrue(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776, 1024), }"))
                .contains("larger than any file"));
        assertTrue(refusal(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }"))
                .contains("truncated"));
        assertTrue(refusal(npy("{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000,), }"))
                .contains("truncated"));
        assertTrue(refusal(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"))
                .contains("Python objects"));
        assertTrue(refusal(npy("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }"))
                .contains("fields"));
        assertTrue(
                refusal(npy("{'descr': '<f4', 'shape': (1,), }", new byte[4])).contains("fortran_order"));
        assertTrue(refusal(npy("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }"))
                .contains("neither True nor False"));
        assertTrue(refusal(npy("{'descr': '<f4")).contains("without an end"));
    }

    @Test
    void randomDamageNeverYieldsAnythingButARefusalOrAnArray() throws IOException {
        Random random = new Random(11);
        for (String base : List.of(FORTRAN_I16, BIG_F32, TEXT, VERSION_3_F16)) {
            byte[] good = Base64.getDecoder().decode(base);
            for (int i = 0; i < 500; i++) {
                byte[] bad = good.clone();
                for (int k = 0; k <= random.nextInt(3); k++) {
                    bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
                }
                Path file = file(bad);
                try {
                    Npy.read(file);
                } catch (InvalidInputException e) {
                    assertTrue(e.getMessage().contains(file.toString()));
                }
            }
        }
    }

    @Test
    void compressedNpzOfNumpyIsRead() throws IOException {
        Path file = Files.write(folder.resolve("a.npz"), Base64.getDecoder().decode(COMPRESSED_NPZ));
        Map<String, Data> arrays = Npz.read(file);
        assertEquals(List.of("a", "b"), List.copyOf(arrays.keySet()));
        assertEquals("f32[2,2]", arrays.get("a").describe());
        assertArrayEquals(new long[] {1, 0}, ((Tensor) arrays.get("b")).toLongs());
    }

    @Test
    void npzComesBackStoredAndDeflated() {
        Map<String, Data> arrays = new LinkedHashMap<>();
        arrays.put("z", Tensor.of(new float[] {1, 2, 3}));
        arrays.put("names/of things", new Data.Strings(Shape.of(1), List.of("x")));
        arrays.put("list", new Data.Sequence(List.of(Tensor.of(new long[] {4}), Tensor.of(new long[] {5}))));
        for (boolean deflate : new boolean[] {true, false}) {
            Path file = folder.resolve("b.npz");
            Npz.write(file, arrays, deflate);
            Map<String, Data> back = Npz.read(file);
            assertEquals(List.of("z", "names/of things", "list.0", "list.1"), List.copyOf(back.keySet()));
            assertArrayEquals(new float[] {1, 2, 3}, ((Tensor) back.get("z")).toFloats());
        }
    }

    @Test
    void hostileArchivesAreRefused() throws IOException {
        Path file = folder.resolve("c.npz");
        Files.writeString(file, "not a zip");
        assertTrue(assertThrows(InvalidInputException.class, () -> Npz.read(file))
                .getMessage()
                .contains("npz"));
        // A header that claims 4 TB inside an entry of a few bytes, and a megabyte of zeros after the array.
        for (byte[] content : List.of(
                npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 1048576), }"),
                Arrays.copyOf(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"), 1 << 20))) {
            try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
                zip.putNextEntry(new ZipEntry("a.npy"));
                zip.write(content);
                zip.closeEntry();
            }
            assertThrows(InvalidInputException.class, () -> Npz.read(file));
        }
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("a.txt"));
        }
        assertThrows(InvalidInputException.class, () -> Npz.read(file));
        // Every prefix of an archive is refused, not taken for a smaller one.
        byte[] good = Base64.getDecoder().decode(COMPRESSED_NPZ);
        for (int n = 0; n < good.length; n += 7) {
            Files.write(file, Arrays.copyOf(good, n));
            assertThrows(InvalidInputException.class, () -> Npz.read(file));
        }
    }

    @Test
    void sizesThatClaimTooMuchForTheirBytesAreRefused() throws IOException {
        Path file = folder.resolve("d.npz");
        byte[] zip = Base64.getDecoder().decode(COMPRESSED_NPZ);
        // The size of the first entry in the central directory: 144 becomes 2 GB.
        for (int i = 0; i + 4 < zip.length; i++) {
            if (zip[i] == 'P' && zip[i + 1] == 'K' && zip[i + 2] == 1 && zip[i + 3] == 2) {
                zip[i + 27] = 0x7f;
                break;
            }
        }
        Files.write(file, zip);
        assertThrows(InvalidInputException.class, () -> Npz.read(file));
    }
}
