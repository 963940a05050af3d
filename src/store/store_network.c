/* Where a task may be written: network file systems are refused. */
#include "store/store_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"

enum { FUSE_MAGIC = 0x65735546, MAX_MOUNTS_BYTES = 16 << 20 };

/* Numbers from linux/magic.h and the file systems' own sources; a kernel's header may lack some. */
const char *qea_store_network_name(unsigned long magic) {
    static const struct {
        unsigned long magic;
        const char *name;
    } names[] = {{0x6969, "NFS"},          {0x517b, "SMB"},
                 {0xfe534d42, "SMB2"},     {0xff534d42, "CIFS"},
                 {0x01021997, "9P"},       {0x73757245, "Coda"},
                 {0x5346414f, "AFS"},      {0x6b414653, "AFS"},
                 {0x00c36400, "Ceph"},     {0x564c, "NCP"},
                 {0x0bd00bd0, "Lustre"},   {0x47504653, "GPFS"},
                 {0x20030528, "OrangeFS"}, {0x786f4256, "VirtualBox shared folder"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].magic == (magic & 0xffffffffUL)) return names[i].name;
    return NULL;
}

/* A part of a text that ends nowhere in particular. */
typedef struct span {
    const char *at;
    size_t size;
} span;

static bool span_is(span s, const char *word) { return s.size == strlen(word) && memcmp(s.at, word, s.size) == 0; }

/* Up to the separator, which goes too; all where it is not found. */
static span take_until(span *rest, const char *separator) {
    const char *end = memmem(rest->at, rest->size, separator, strlen(separator));
    span taken = {rest->at, end != NULL ? (size_t)(end - rest->at) : rest->size};
    size_t gone = end != NULL ? taken.size + strlen(separator) : taken.size;
    rest->at += gone;
    rest->size -= gone;
    return taken;
}

/* By the programs that serve them; what is not named here is taken for local, as ntfs-3g or an encrypted folder. */
static const char *known_fuse(span program) {
    static const char *const names[] = {"alluxio-fuse",
                                        "blobfuse",
                                        "blobfuse2",
                                        "ceph-fuse",
                                        "curlftpfs",
                                        "cvmfs2",
                                        "davfs",
                                        "davfs2",
                                        "fuse_dfs",
                                        "gcsfuse",
                                        "glusterfs",
                                        "goofys",
                                        "google-drive-ocamlfuse",
                                        "juicefs",
                                        "lizardfs",
                                        "mfs",
                                        "mount-s3",
                                        "mountpoint-s3",
                                        "onedriver",
                                        "quobyte",
                                        "rclone",
                                        "s3backer",
                                        "s3fs",
                                        "s3ql",
                                        "saunafs",
                                        "seaweedfs",
                                        "smbnetfs",
                                        "sshfs",
                                        "vmhgfs-fuse",
                                        "xtreemfs"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is(program, names[i])) return names[i];
    return NULL;
}

/* Fields: id, parent, major:minor, root, mount point, options, any number of others, "-", type, source, more options
 * (proc_pid_mountinfo(5)). Spaces inside of fields are escaped. */
static const char *fuse_of_line(span line, const char *device) {
    (void)take_until(&line, " ");
    (void)take_until(&line, " ");
    if (!span_is(take_until(&line, " "), device)) return NULL;
    (void)take_until(&line, " - ");
    span type = take_until(&line, " "), source = take_until(&line, " "), whole = source;
    span kind = take_until(&type, ".");
    if (!span_is(kind, "fuse") && !span_is(kind, "fuseblk")) return NULL;
    if (type.size > 0) return known_fuse(type);
    if (memmem(whole.at, whole.size, "://", 3) != NULL) return "an address";
    return known_fuse(take_until(&source, "#")); /* of old: sshfs#host:folder */
}

const char *qea_store_fuse_network(const char *mounts, size_t size, unsigned major_number, unsigned minor_number) {
    char device[32];
    span rest = {mounts, size};
    const char *name = NULL;
    (void)snprintf(device, sizeof device, "%u:%u", major_number, minor_number);
    while (rest.size > 0 && name == NULL) name = fuse_of_line(take_until(&rest, "\n"), device);
    return name;
}

/* NULL: local, or not to be known. */
static const char *fuse_of_folder(const char *folder) {
    struct stat info;
    uint8_t *mounts;
    size_t size;
    if (stat(folder, &info) != 0) return NULL;
    if (qea_file_read(NULL, "/proc/self/mountinfo", MAX_MOUNTS_BYTES, &mounts, &size) != QEA_OK) return NULL;
    const char *name = qea_store_fuse_network((const char *)mounts, size, major(info.st_dev), minor(info.st_dev));
    qea_free(mounts);
    return name;
}

qea_status qea_store_refuse_network(qea_context *ctx, const char *folder) {
    struct statfs info;
    if (statfs(folder, &info) != 0)
        return qea_fail(ctx, QEA_ERR_IO, "%s: asking for the file system: %s", folder, strerror(errno));
    bool fuse = ((unsigned long)info.f_type & 0xffffffffUL) == FUSE_MAGIC;
    const char *network = fuse ? fuse_of_folder(folder) : qea_store_network_name((unsigned long)info.f_type);
    if (network == NULL) return QEA_OK;
    return qea_fail(ctx, QEA_ERR_STATE,
                    "%s: found a network file system (%s%s), where a database is not safe; put the task "
                    "(general.task.local_base_path) on a local disk",
                    folder, network, fuse ? " through FUSE" : "");
}
