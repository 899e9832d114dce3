package org.ttame.spark;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;
import org.ttame.core.Text;

/**
 * A file system of Hadoop's with as many empty images as its address says: {@code many://650000/}
 * has them in class folders of 1300, as ImageNet's.
 */
public final class ManyFiles extends FileSystem {
  private static final int EACH = 1300;

  @Override
  public String getScheme() {
    return "many";
  }

  private URI uri;

  @Override
  public void initialize(URI name, org.apache.hadoop.conf.Configuration conf) throws IOException {
    super.initialize(name, conf);
    uri = URI.create("many://" + name.getAuthority());
  }

  @Override
  public URI getUri() {
    return uri;
  }

  private int count() {
    return Integer.parseInt(uri.getAuthority());
  }

  @Override
  public FileStatus[] listStatus(Path path) {
    int folders = (count() + EACH - 1) / EACH;
    FileStatus[] entries;
    if (path.isRoot()) {
      entries = new FileStatus[folders];
      for (int i = 0; i < folders; i++) {
        entries[i] = status(new Path(path, Text.format("n%08d", i)), true);
      }
    } else {
      int folder = Integer.parseInt(path.getName().substring(1));
      entries = new FileStatus[Math.min(EACH, count() - folder * EACH)];
      for (int i = 0; i < entries.length; i++) {
        entries[i] = status(new Path(path, Text.format("%s_%05d.JPEG", path.getName(), i)), false);
      }
    }
    return entries;
  }

  @Override
  public FileStatus getFileStatus(Path path) {
    return status(path, path.isRoot() || path.getParent().isRoot());
  }

  private FileStatus status(Path path, boolean folder) {
    return new FileStatus(0, folder, 1, 1 << 20, 0, makeQualified(path));
  }

  @Override
  public FSDataInputStream open(Path path, int buffer) throws IOException {
    throw new FileNotFoundException(path + " has no content");
  }

  @Override
  public FSDataOutputStream create(
      Path path,
      FsPermission permission,
      boolean overwrite,
      int buffer,
      short replication,
      long block,
      Progressable progress)
      throws IOException {
    throw readOnly();
  }

  @Override
  public FSDataOutputStream append(Path path, int buffer, Progressable progress)
      throws IOException {
    throw readOnly();
  }

  @Override
  public boolean rename(Path from, Path to) throws IOException {
    throw readOnly();
  }

  @Override
  public boolean delete(Path path, boolean recursive) throws IOException {
    throw readOnly();
  }

  @Override
  public boolean mkdirs(Path path, FsPermission permission) throws IOException {
    throw readOnly();
  }

  private static IOException readOnly() {
    return new IOException("Nothing can be written here");
  }

  @Override
  public void setWorkingDirectory(Path folder) {
    // There is none but the root.
  }

  @Override
  public Path getWorkingDirectory() {
    return new Path("/");
  }
}
