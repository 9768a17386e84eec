package dev.meseta.demo;

import dev.meseta.Meseta;
import dev.meseta.Model;
import dev.meseta.Session;
import dev.meseta.graph.InvalidInputException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Transparency;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;

/** Reads the text in a picture with PP-OCR: detection, direction, recognition. */
public final class ReadText {
    private static final String DETECTION = "models/ch_PP-OCRv4_det_infer.onnx";
    private static final String DIRECTION = "models/ch_ppocr_mobile_v2.0_cls_infer.onnx";
    private static final String RECOGNITION = "models/ch_PP-OCRv4_rec_infer.onnx";

    /** Lines that the network is less sure of are left out. */
    private static final double SURE = 0.5;

    private static final Color BOX = new Color(0xd0, 0x20, 0x20);

    private ReadText() {}

    /**
     * A line of text.
     *
     * @param text what it says
     * @param confidence mean probability of its characters, 0 to 1
     * @param box where it stands
     */
    public record Line(String text, double confidence, Quad box) {}

    /**
     * What was read.
     *
     * @param lines in reading order
     * @param width of the picture in pixels
     * @param height of the picture in pixels
     * @param device the device that computed, with its description
     * @param loadMillis time to load the three models
     * @param readMillis time to find and read the text
     */
    public record Result(
            List<Line> lines, int width, int height, String device, double loadMillis, double readMillis) {}

    /**
     * Reads a picture file; what is transparent becomes white, as on paper. Throws {@link InvalidInputException} if there is none, or it
     * is no picture that Java knows.
     */
    public static BufferedImage picture(Path file) {
        if (!Files.isRegularFile(file)) throw new InvalidInputException("no such file: " + file);
        try {
            BufferedImage image = ImageIO.read(file.toFile());
            if (image == null)
                throw new InvalidInputException(file + " is not a picture that can be read (png, jpg, gif, bmp)");
            return image.getTransparency() == Transparency.OPAQUE ? image : onWhite(image);
        } catch (IOException e) {
            throw new InvalidInputException("cannot read the picture " + file + ": " + e.getMessage(), e);
        }
    }

    private static BufferedImage onWhite(BufferedImage picture) {
        BufferedImage result = new BufferedImage(picture.getWidth(), picture.getHeight(), BufferedImage.TYPE_INT_RGB);
        Graphics2D g = result.createGraphics();
        g.drawImage(picture, 0, 0, Color.WHITE, null);
        g.dispose();
        return result;
    }

    /** @param device a device's name, or null for the preferred one */
    public static Result read(Meseta meseta, BufferedImage picture, @Nullable String device, Progress progress) {
        long start = System.nanoTime();
        Session detection = session(meseta, DETECTION, device);
        TextDetector detector = new TextDetector(detection);
        TextDirection direction = new TextDirection(session(meseta, DIRECTION, device));
        TextRecognizer recognizer = new TextRecognizer(session(meseta, RECOGNITION, device));
        long loaded = System.nanoTime();
        List<Line> lines = new ArrayList<>();
        List<Quad> boxes = detector.detect(picture);
        for (int i = 0; i < boxes.size(); i++) {
            progress.at(i, boxes.size());
            BufferedImage line = TextLines.cut(picture, boxes.get(i));
            if (direction.isUpsideDown(line)) line = TextLines.turn(line, 2);
            TextRecognizer.Reading r = recognizer.read(line);
            if (!r.text().isEmpty() && r.confidence() >= SURE)
                lines.add(new Line(r.text(), r.confidence(), boxes.get(i)));
        }
        progress.at(boxes.size(), boxes.size());
        long end = System.nanoTime();
        return new Result(
                lines,
                picture.getWidth(),
                picture.getHeight(),
                detection.device().name() + " (" + detection.device().description() + ")",
                (loaded - start) / 1e6,
                (end - loaded) / 1e6);
    }

    private static Session session(Meseta meseta, String resource, @Nullable String device) {
        Model model = meseta.load(ModelFiles.unpack(resource));
        return (device == null ? model : model.on(device)).prepare();
    }

    /** The picture with the boxes and the number of each line drawn on it. */
    public static BufferedImage draw(BufferedImage picture, List<Line> lines) {
        BufferedImage result = new BufferedImage(picture.getWidth(), picture.getHeight(), BufferedImage.TYPE_INT_RGB);
        Graphics2D g = result.createGraphics();
        g.drawImage(picture, 0, 0, Color.WHITE, null);
        g.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        float stroke = Math.max(1f, Math.max(picture.getWidth(), picture.getHeight()) / 500f);
        g.setStroke(new BasicStroke(stroke));
        g.setFont(g.getFont().deriveFont(Math.max(10f, stroke * 6)));
        for (int i = 0; i < lines.size(); i++) {
            Quad q = lines.get(i).box();
            Path2D path = new Path2D.Double();
            path.moveTo(q.x()[0], q.y()[0]);
            for (int k = 1; k < 4; k++) path.lineTo(q.x()[k], q.y()[k]);
            path.closePath();
            g.setColor(BOX);
            g.draw(path);
            String label = Integer.toString(i + 1);
            g.drawString(label, (float) q.left(), (float) Math.max(g.getFont().getSize(), q.top() - stroke));
        }
        g.dispose();
        return result;
    }

    /** Throws {@link InvalidInputException} if no picture can be written under this name: to be called before long work. */
    public static void checkWritable(Path file) {
        if (!ImageIO.getImageWritersBySuffix(suffix(file)).hasNext()) {
            throw new InvalidInputException(
                    "cannot write a picture as '" + file + "'; use an ending such as .png or .jpg");
        }
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null && !Files.isDirectory(folder)) throw new InvalidInputException("no such folder: " + folder);
    }

    private static String suffix(Path file) {
        String name = file.getFileName().toString();
        return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    }

    /** Writes a picture; the ending says in which format. Throws {@link InvalidInputException} for an unknown ending. */
    public static void write(BufferedImage picture, Path file) {
        checkWritable(file);
        try {
            if (!ImageIO.write(picture, suffix(file), file.toFile())) {
                throw new InvalidInputException("cannot write this picture as '" + file + "'");
            }
        } catch (IOException e) {
            throw new InvalidInputException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }
}
