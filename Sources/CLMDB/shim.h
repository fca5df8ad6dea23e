#include <lmdb.h>
#include <linux/falloc.h>
#include <sys/types.h>

// <fcntl.h> declares it for programs that ask for GNU's own functions, which Swift does not.
int fallocate(int descriptor, int mode, off_t offset, off_t length);
