package dev.meseta.frontends.onnx.operators;

import java.awt.image.BufferedImage;
import java.io.IOException;

/** PBM, PGM and PPM pictures, as text or as bytes. */
final class Netpbm {
    private final byte[] file;
    private int at;

    private Netpbm(byte[] file, int at) {
        this.file = file;
        this.at = at;
    }

    /** Whether a file begins as one of the six forms, P1 to P6. */
    static boolean isNetpbm(byte[] file) {
        return file.length > 2 && file[0] == 'P' && file[1] >= '1' && file[1] <= '6' && Character.isWhitespace(file[2]);
    }

    static BufferedImage read(byte[] file, long mostPixels) throws IOException {
        Netpbm p = new Netpbm(file, 2);
        int form = file[1] - '0';
        int width = p.number();
        int height = p.number();
        int most = form % 3 == 1 ? 1 : p.number();
        if (width < 1 || height < 1 || most < 1 || most > 65535 || (long) width * height > mostPixels) {
            throw new IOException("a size that cannot be");
        }
        boolean text = form <= 3;
        if (!text) p.at++;
        // The smallest form of a picture must be there before memory for it is taken.
        if ((long) width * height / (form == 4 ? 8 : 1) > file.length) throw new IOException("the file is cut off");
        boolean colour = form % 3 == 0;
        BufferedImage image =
                new BufferedImage(width, height, colour ? BufferedImage.TYPE_INT_RGB : BufferedImage.TYPE_BYTE_GRAY);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int band = 0; band < (colour ? 3 : 1); band++) {
                    image.getRaster().setSample(x, y, band, p.sample(form, x, most));
                }
            }
            if (form == 4) p.at += (width + 7) / 8;
        }
        return image;
    }

    private int sample(int form, int x, int most) throws IOException {
        int v = switch (form) {
            // In bitmaps 1 is black.
            case 1 -> 1 - bit();
            case 4 -> 1 - (octet(at + x / 8) >> 7 - x % 8 & 1);
            case 2, 3 -> number();
            default -> {
                int high = octet(at++);
                yield most > 255 ? high << 8 | octet(at++) : high;
            }
        };
        return (Math.min(v, most) * 255 + most / 2) / most;
    }

    private int octet(int i) throws IOException {
        if (i >= file.length) throw new IOException("the file is cut off");
        return file[i] & 255;
    }

    private void skipSpace() throws IOException {
        while (Character.isWhitespace(octet(at)) || file[at] == '#') {
            if (file[at] == '#') {
                while (octet(at) != '\n') at++;
            }
            at++;
        }
    }

    /** One digit of a text bitmap, whose digits need no space between. */
    private int bit() throws IOException {
        skipSpace();
        int digit = octet(at++) - '0';
        if (digit != 0 && digit != 1) throw new IOException("no bit");
        return digit;
    }

    private int number() throws IOException {
        skipSpace();
        long v = 0;
        int from = at;
        while (at < file.length && file[at] >= '0' && file[at] <= '9' && v < 1 << 30) v = v * 10 + file[at++] - '0';
        if (from == at || v > Integer.MAX_VALUE) throw new IOException("no number");
        return (int) v;
    }
}
