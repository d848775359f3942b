/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "conf/template.h"
#include "publish/files.h"
#include "publish/publish.h"

#define MD5_SIZE 16

/* "OCSP-DIR/MD5": hitch calls the file by the MD5 of the certificate's path, as hitch.conf has it.
 */
int hitch_put_path(struct buf *der, const struct file_target *target, struct place place,
                   const struct cert_facts *cert)
{
    const struct publish_names *names = target->files->context->names;
    struct buf path = BUF_INIT(8192);
    uint8_t md5[MD5_SIZE];
    int r;

    template_expand(&path, target->template, place, cert);
    r = buf_status(&path) || !names->md5(names->context, slice_of_buf(&path), md5);
    buf_deinit(&path);
    buf_put_text(der, target->folder);
    buf_put_byte(der, '/');
    buf_put_hex(der, slice_of(md5, r ? 0 : sizeof(md5)));
    return r || buf_status(der) ? -ENOMEM : 0;
}
