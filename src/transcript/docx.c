#include "transcript/paragraphs.h"

#include "transcript/text.h"
#include "zip/zip.h"

#include <inttypes.h>

#include "base/banned.h"

/* A document of word processors (ECMA-376): a zip archive of a few texts in XML, all but the
 * document itself and its properties the same each time. The document is compressed while it is
 * written. */

#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
#define PACKAGE "http://schemas.openxmlformats.org/package/2006"
#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define WORD "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
#define WORD_TYPE "application/vnd.openxmlformats-officedocument.wordprocessingml"
#define CORE_TYPE "application/vnd.openxmlformats-package.core-properties+xml"

static const char types_xml[] = XML
    "<Types xmlns=\"" PACKAGE "/content-types\">"
    "<Default Extension=\"rels\" "
    "ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
    "<Default Extension=\"xml\" ContentType=\"application/xml\"/>"
    "<Override PartName=\"/word/document.xml\" ContentType=\"" WORD_TYPE ".document.main+xml\"/>"
    "<Override PartName=\"/word/styles.xml\" ContentType=\"" WORD_TYPE ".styles+xml\"/>"
    "<Override PartName=\"/docProps/core.xml\" ContentType=\"" CORE_TYPE "\"/>"
    "</Types>";

static const char package_xml[] =
    XML "<Relationships xmlns=\"" PACKAGE "/relationships\">"
        "<Relationship Id=\"rId1\" Type=\"" OFFICE "/officeDocument\" "
        "Target=\"word/document.xml\"/>"
        "<Relationship Id=\"rId2\" Type=\"" PACKAGE "/relationships/metadata/core-properties\" "
        "Target=\"docProps/core.xml\"/>"
        "</Relationships>";

static const char links_xml[] =
    XML "<Relationships xmlns=\"" PACKAGE "/relationships\">"
        "<Relationship Id=\"rId1\" Type=\"" OFFICE "/styles\" Target=\"styles.xml\"/>"
        "</Relationships>";

static const char styles_xml[] =
    XML "<w:styles xmlns:w=\"" WORD "\">"
        "<w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii=\"Calibri\" w:hAnsi=\"Calibri\" "
        "w:cs=\"Calibri\"/><w:sz w:val=\"22\"/><w:szCs w:val=\"22\"/></w:rPr></w:rPrDefault>"
        "<w:pPrDefault><w:pPr><w:spacing w:after=\"160\" w:line=\"276\" w:lineRule=\"auto\"/>"
        "</w:pPr></w:pPrDefault></w:docDefaults>"
        "<w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\">"
        "<w:name w:val=\"Normal\"/><w:qFormat/></w:style>"
        "<w:style w:type=\"character\" w:default=\"1\" w:styleId=\"DefaultParagraphFont\">"
        "<w:name w:val=\"Default Paragraph Font\"/></w:style>"
        "<w:style w:type=\"paragraph\" w:styleId=\"Title\"><w:name w:val=\"Title\"/>"
        "<w:basedOn w:val=\"Normal\"/><w:next w:val=\"Normal\"/><w:qFormat/>"
        "<w:rPr><w:sz w:val=\"40\"/><w:szCs w:val=\"40\"/></w:rPr></w:style>"
        "<w:style w:type=\"character\" w:customStyle=\"1\" w:styleId=\"Speaker\">"
        "<w:name w:val=\"Speaker\"/><w:rPr><w:b/><w:bCs/></w:rPr></w:style>"
        "<w:style w:type=\"character\" w:customStyle=\"1\" w:styleId=\"Time\">"
        "<w:name w:val=\"Time\"/><w:rPr><w:color w:val=\"808080\"/><w:sz w:val=\"18\"/>"
        "<w:szCs w:val=\"18\"/></w:rPr></w:style>"
        "</w:styles>";

struct docx {
    struct sc_zip *zip;
    const struct sc_writer_options *options;
    struct sc_buf part; /* of the document, not yet compressed */
};

/* ---- properties ---- */

static void put_property(struct sc_buf *out, const char *tag, const char *value)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(value == NULL ? "" : value));
    if (line.len > 0) {
        sc_buf_printf(out, "<%s>", tag);
        sc_writer_put_xml(out, sc_buf_str(&line));
        sc_buf_printf(out, "</%s>", tag);
    }
    out->failed = out->failed || line.failed;
}

static void put_core(struct sc_buf *out, const struct sc_writer_meta *meta, bool metadata)
{
    SC_AUTO_BUF about = { 0 };
    struct sc_meta_room room;
    sc_buf_puts(out, XML "<cp:coreProperties xmlns:cp=\"" PACKAGE "/metadata/core-properties\" "
                         "xmlns:dc=\"http://purl.org/dc/elements/1.1/\">");
    if (metadata) {
        sc_writer_meta_items(meta, &room);
        for (const struct sc_meta_item *item = room.items; item->name != NULL; item++)
            sc_buf_printf(&about, "%s%s: %s", about.len > 0 ? "; " : "", item->name, item->value);
        put_property(out, "dc:title", meta->file_name);
        put_property(out, "dc:creator", meta->engine);
        put_property(out, "dc:description", sc_buf_text(&about));
        put_property(out, "dc:identifier", meta->job_id);
        put_property(out, "dc:language", meta->language);
        put_property(out, "cp:contentStatus", meta->status);
        put_property(out, "cp:version", room.version);
    }
    sc_buf_puts(out, "</cp:coreProperties>");
    out->failed = out->failed || about.failed;
}

/* ---- the document ---- */

static enum sc_code hand_on(struct docx *d, bool all, struct sc_error *err)
{
    if (d->part.failed)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the transcript is too large to be written");
    if (!all && d->part.len < ((size_t)16 << 10))
        return SC_OK;
    enum sc_code code = sc_zip_write(d->zip, sc_buf_text(&d->part), d->part.len, err);
    sc_buf_reset(&d->part);
    return code;
}

static void put_run(struct sc_buf *out, const char *style, struct sc_str text)
{
    sc_buf_puts(out, "<w:r>");
    if (style != NULL)
        sc_buf_printf(out, "<w:rPr><w:rStyle w:val=\"%s\"/></w:rPr>", style);
    sc_buf_puts(out, "<w:t xml:space=\"preserve\">");
    sc_writer_put_xml(out, text);
    sc_buf_puts(out, "</w:t></w:r>");
}

static enum sc_code put_paragraph(void *ctx, const struct sc_paragraph *p, struct sc_error *err)
{
    struct docx *d = ctx;
    struct sc_buf *out = &d->part;
    SC_AUTO_BUF lead = { 0 };
    sc_buf_puts(out, "<w:p>");
    if (d->options->times) {
        sc_buf_printf(&lead, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 " ", p->start_ms / 3600000,
                      p->start_ms / 60000 % 60, p->start_ms / 1000 % 60);
        put_run(out, "Time", sc_buf_str(&lead));
    }
    if (p->speaker[0] != '\0') {
        sc_buf_reset(&lead);
        sc_buf_printf(&lead, "%s: ", p->speaker);
        put_run(out, "Speaker", sc_buf_str(&lead));
    }
    put_run(out, NULL, p->text);
    sc_buf_puts(out, "</w:p>");
    out->failed = out->failed || lead.failed;
    return hand_on(d, false, err);
}

static void put_title(struct sc_buf *out, const char *name)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(name == NULL ? "" : name));
    if (line.len > 0) {
        sc_buf_puts(out, "<w:p><w:pPr><w:pStyle w:val=\"Title\"/></w:pPr>");
        put_run(out, NULL, sc_buf_str(&line));
        sc_buf_puts(out, "</w:p>");
    }
    out->failed = out->failed || line.failed;
}

static enum sc_code put_document(struct docx *d, struct sc_source *source,
                                 const struct sc_writer_meta *meta, struct sc_error *err)
{
    sc_buf_puts(&d->part, XML "<w:document xmlns:w=\"" WORD "\"><w:body>");
    if (d->options->metadata)
        put_title(&d->part, meta->file_name);
    enum sc_code code = sc_paragraphs_each(source, d->options, put_paragraph, d, err);
    sc_buf_puts(&d->part, "<w:sectPr><w:pgMar w:top=\"1134\" w:right=\"1134\" w:bottom=\"1134\" "
                          "w:left=\"1134\" w:header=\"709\" w:footer=\"709\" w:gutter=\"0\"/>"
                          "</w:sectPr></w:body></w:document>");
    return code == SC_OK ? hand_on(d, true, err) : code;
}

static enum sc_code put_part(struct sc_zip *zip, const char *name, struct sc_str xml,
                             struct sc_error *err)
{
    enum sc_code code = sc_zip_begin(zip, name, err);
    return code == SC_OK ? sc_zip_write(zip, xml.ptr, xml.len, err) : code;
}

SC_WRITER(sc_writer_docx)
{
    SC_AUTO_ZIP zip;
    SC_AUTO_BUF core = { 0 };
    struct docx d = { .zip = &zip, .options = options };
    sc_zip_init(&zip, piece, ctx);
    put_core(&core, meta, options->metadata);
    if (core.failed)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the properties are too large");
    enum sc_code code = put_part(&zip, "[Content_Types].xml", sc_str_from(types_xml), err);
    if (code == SC_OK)
        code = put_part(&zip, "_rels/.rels", sc_str_from(package_xml), err);
    if (code == SC_OK)
        code = put_part(&zip, "docProps/core.xml", sc_buf_str(&core), err);
    if (code == SC_OK)
        code = put_part(&zip, "word/styles.xml", sc_str_from(styles_xml), err);
    if (code == SC_OK)
        code = put_part(&zip, "word/_rels/document.xml.rels", sc_str_from(links_xml), err);
    if (code == SC_OK)
        code = sc_zip_begin(&zip, "word/document.xml", err);
    if (code == SC_OK)
        code = put_document(&d, source, meta, err);
    sc_buf_done(&d.part);
    return code == SC_OK ? sc_zip_finish(&zip, err) : code;
}
