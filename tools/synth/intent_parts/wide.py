# SPDX-License-Identifier: Apache-2.0
"""A wider generator, for additional training rows only (intent.py --extra).

templates.py and frames.py make short sentences of known products.  What a model does not learn from
them, it was seen, is where the request stands in a longer text ("the picnic is at 5, guests like
...": nouns and numbers that nobody orders), what an unknown noun looks like, and rarer verbs.  Here:

- clauses around the request, made of subjects, what they do, places, times and things;
- things and products that no catalogue has, out of syllables, inflected as their language does;
- more verbs and orders of words, more packaging.

Slots of clauses: {s} a subject, {v} what it does, {x} a thing (Croatian {x} nominative, {xa}
accusative, {xg} genitive; Spanish {x} with its article, {xb} without), {k} a number, {w} a number
in words, {h} an hour, {d} a date, {e} a price.  Slots of requests as in templates.py, and {cl}: it
or them, as the language has it.
"""
import re

from . import catalogue, frames, phrases, quantities, templates


def table(text):
    """'a|b|c', line ends where one likes, as a list."""
    return [part.strip() for part in text.replace("\n", "|").split("|") if part.strip()]


# ---- words that do not exist ----

ONSETS = {"en": table("b|bl|br|c|ch|cl|cr|d|dr|f|fl|fr|g|gl|gr|h|j|k|l|m|n|p|pl|pr|qu|r|s|sc|sh|sk|sl|sm|sn|sp|st|str|sw|t|th|tr|tw|v|w|wh|z"),
          "hr": table("b|bl|br|c|č|d|dr|f|g|gl|gr|h|hr|j|k|kl|kr|kv|l|lj|m|ml|mr|n|nj|p|pl|pr|r|s|sk|sl|sm|sn|sp|st|str|sv|š|šk|šp|t|tr|v|vr|z|zd|zv|ž|žb"),
          "es": table("b|bl|br|c|ch|cl|cr|d|f|fl|fr|g|gr|h|j|l|ll|m|n|p|pl|pr|qu|r|s|t|tr|v|z|esp|est|esc|alm|enc|ap|emp")}
VOWELS = {"en": table("a|e|i|o|u|ea|oo|ai|ou|ee|a|e|i|o|u"), "hr": list("aeiouaeio"),
          "es": table("a|e|i|o|u|a|e|o|ie|ue|a|o")}
CODAS = {"en": table("b|ck|d|ff|g|l|ll|m|mp|n|nd|ng|nk|nt|p|r|rd|rk|rn|rt|s|sh|sk|ss|st|t|tch|x"),
         "hr": table("b|c|d|g|k|l|m|n|p|r|s|š|t|v|z|st|nd|lj"), "es": table("l|n|r|s|z|d|n|r")}
EN_TAILS = table("er|le|et|or|y|in|on|ie|al|um|ette|ing|ard|ock|ler|er|er")
HR_TAILS = {"m": table("ač|ar|nik|er|or|it|an|ak|in|uh|ut|el|ež|on|ac|em|at|ov|uš"),
            "f": table("ica|ka|ina|ija|ara|aljka|nica|ura|eta|ada|ača|ovka|ula|ena|ola|iva|uša"),
            "n": table("ilo|alo|ište|ivo|je|lo|enje|no|ato")}
ES_TAILS = {"m": table("o|or|ador|ero|aje|ón|ín|ito|illo|ete|al|ante|il|ote|uche"),
            "f": table("a|ora|era|ción|dad|eta|illa|ita|ura|ana|ada|ería|osa|uela")}
HEADS = {
    "en": table("holder|board|set|bag|case|light|oil|cream|mat|rack|kit|machine|cover|stand|box|brush|cloth|powder|spray|stick|paper|tape|ring|pot|pan|tray|cap|coat|mask|stone|seed|sauce|juice|cake|pie|roll|bar|tool|pump|filter|lamp|clip|hook|bell|pad|chair|table|sheet|spoon|knife|bowl|jar|rope|wheel|strap|pen|book|card|toy|ball|net|hose|belt|sock|boot|drink|tea|cheese|bread|fish|root|leaf"),
    "hr": table("f:torba/torbu/torbe/torbi|f:kutija/kutiju/kutije/kutija|m:set/seta/setova|f:krema/kremu/kreme/krema|n:ulje/ulja/ulja|f:maska/masku/maske/maski|m:sprej/spreja/sprejeva|m:stalak/stalka/stalaka|f:podloga/podlogu/podloge/podloga|m:prah/praha/prahova|f:hrana/hranu/hrane/hrana|n:sredstvo/sredstva/sredstava|m:alat/alata/alata|f:traka/traku/trake/traka|f:lampa/lampu/lampe/lampi|n:sjeme/sjemena/sjemena|m:umak/umaka/umaka|f:juha/juhu/juhe/juha|m:sok/soka/sokova|f:pumpa/pumpu/pumpe/pumpi|f:žica/žicu/žice/žica|f:ploča/ploču/ploče/ploča|m:držač/držača/držača|f:mreža/mrežu/mreže/mreža|f:navlaka/navlaku/navlake/navlaka|f:karta/kartu/karte/karata|m:kolut/koluta/koluta|f:lopta/loptu/lopte/lopti|n:kolo/kola/kola|f:stolica/stolicu/stolice/stolica"),
    "es": table("f:bolsa/bolsas|f:caja/cajas|m:juego/juegos|f:crema/cremas|m:aceite/aceites|f:máscara/máscaras|m:soporte/soportes|m:polvo/polvos|f:comida/comidas|f:cinta/cintas|f:lámpara/lámparas|f:semilla/semillas|f:salsa/salsas|f:sopa/sopas|m:zumo/zumos|f:bomba/bombas|m:cable/cables|m:plato/platos|f:funda/fundas|f:tarjeta/tarjetas|f:silla/sillas|m:paño/paños|m:cepillo/cepillos|f:máquina/máquinas|f:tabla/tablas|f:hoja/hojas|m:palo/palos|m:rollo/rollos|f:pelota/pelotas|m:kit/kits|m:gorro/gorros|f:red/redes|m:queso/quesos|m:pan/panes|f:llave/llaves|m:reloj/relojes"),
}
ES_DOERS = table("abre|limpia|quita|saca|para|guarda|porta|corta|rompe|seca|lava|cuenta|toca|pela|pasa|salva|cubre|mata|monta|pinta")
HR_ABOUT = table("za dom|za kupaonicu|za vrt|za put|za auto|za djecu|za bebe|za plažu|na baterije|bez šećera|u prahu|od drva|od pamuka|od stakla|s poklopcem|za lice|za kuhinju|za more|na vodu|za pse")
ES_ABOUT = table("de madera|de algodón|de vidrio|para bebés|para el baño|de viaje|de playa|de cocina|en polvo|sin azúcar|con tapa|de acero|de baño|de jardín|para perros|de papel|de noche|de mesa|de coche|de lana")


def stem(rng, language, syllables):
    out = ""
    for _ in range(syllables):
        out += rng.pick(ONSETS[language]) + rng.pick(VOWELS[language])
        if rng.random() < (0.45 if language == "en" else 0.25):
            out += rng.pick(CODAS[language])
    return out


def english_word(rng):
    word = stem(rng, "en", 1 if rng.random() < 0.6 else 2)
    if word[-1] in "aeiou":
        word += rng.pick(CODAS["en"])
    return word + (rng.pick(EN_TAILS) if rng.random() < 0.5 else "")


def english_alias(rng):
    chance = rng.random()
    if chance < 0.04:
        one = rng.pick("aefhtuvx") + "-" + english_word(rng)
    elif chance < 0.08:
        one = english_word(rng) + "-" + english_word(rng)
    elif chance < 0.3:
        one = english_word(rng)
    elif chance < 0.75:
        one = english_word(rng) + " " + rng.pick(HEADS["en"])
    elif chance < 0.9:
        one = rng.pick(HEADS["en"]) + " " + english_word(rng)
    else:
        one = english_word(rng) + " " + english_word(rng)
    if rng.random() < 0.15:
        return catalogue.Alias("", (one, one))
    many = one + ("es" if re.search(r"(s|x|sh|ch|z)$", one) else "s")
    if one.endswith("y") and one[-2] not in "aeiou":
        many = one[:-1] + "ies"
    return catalogue.Alias("", (one, many))


def croatian_noun(rng, gender):
    """(gender, (nominative, accusative, after 2-4, genitive, genitive plural))"""
    if rng.random() < 0.15:
        alias = catalogue.parse_alias(rng.pick(HEADS["hr"]), "hr")
        f = alias.forms
        return (alias.gender, (f[0], f[1], f[2], f[2], f[3]) if alias.gender == "f" else
                (f[0], f[0], f[1], f[1], f[2]))
    tail = rng.pick(HR_TAILS[gender])
    base = stem(rng, "hr", 1 if rng.random() < 0.6 else 2)
    if base[-1] in "aeiou" and tail[0] in "aeiou":
        base += rng.pick(CODAS["hr"])
    word = ("" if rng.random() < 0.95 else rng.pick(["e-", "auto-", "mini-", "eko-"])) + base + tail
    if gender == "m":
        short = word[:-2] + word[-1] if tail in ("ac", "ak") else word
        return gender, (word, word, short + "a", short + "a",
                        short + ("ova" if rng.random() < 0.2 else "a"))
    cut = word[:-1]
    return gender, ((word, cut + "u", cut + "e", cut + "e", cut + "a") if gender == "f" else
                    (word, word, cut + "a", cut + "a", cut + "a"))


def croatian_alias(rng):
    gender, (nom, acc, few, gen, many) = croatian_noun(rng, rng.weighted({"m": 4, "f": 5, "n": 1}))
    chance = rng.random()
    if chance < 0.25:  # an adjective before it
        adjective = stem(rng, "hr", 1 if rng.random() < 0.5 else 2) + rng.pick(["n", "sk", "ov", "sn", "ljiv"])
        ends = {"m": ("i", "i", "a", "og", "ih"), "f": ("a", "u", "e", "e", "ih"),
                "n": ("o", "o", "a", "og", "ih")}[gender]
        nom, acc, few, gen, many = [f"{adjective}{end} {word}" for end, word in
                                    zip(ends, (nom, acc, few, gen, many))]
    elif chance < 0.5:  # what it is for
        if rng.random() < 0.5:
            about = "za " + croatian_noun(rng, rng.weighted({"m": 4, "f": 5, "n": 2}))[1][1]
        else:
            about = rng.pick(HR_ABOUT)
        nom, acc, few, gen, many = [f"{word} {about}" for word in (nom, acc, few, gen, many)]
    if gender == "f":
        return catalogue.Alias("f", (nom, acc, few, many))
    if few != gen:
        return catalogue.Alias(gender, (nom, few, gen, many))
    return catalogue.Alias(gender, (nom, few, many))


def spanish_plural(word):
    if word.endswith(("ón", "ín")):
        return word[:-2] + {"ó": "ones", "í": "ines"}[word[-2]]
    if word.endswith("z"):
        return word[:-1] + "ces"
    return word + ("s" if word[-1] in "aeiouáéó" else "es")


def spanish_noun(rng, gender):
    if rng.random() < 0.15:
        alias = catalogue.parse_alias(rng.pick(HEADS["es"]), "es")
        return alias.gender, alias.forms
    tail = rng.pick(ES_TAILS[gender])
    base = stem(rng, "es", 1 if rng.random() < 0.6 else 2)
    if base[-1] in "aeiou":
        base += rng.pick(["d", "l", "m", "n", "r", "s", "t", "v", "ch", "rr", "c", "j", "b", "ll"])
    base = ("" if rng.random() < 0.95 else rng.pick(["e-", "auto-", "mini-", "eco-"])) + base
    return gender, (base + tail, spanish_plural(base + tail))


def spanish_alias(rng):
    chance = rng.random()
    if chance < 0.08:
        word = rng.pick(ES_DOERS) + spanish_noun(rng, rng.pick("mf"))[1][1]
        return catalogue.Alias("m", (word, word))
    gender, (one, many) = spanish_noun(rng, rng.pick("mf"))
    about = ""
    if chance < 0.35:
        about = " " + rng.pick(ES_ABOUT)
    elif chance < 0.6:
        about = rng.pick([" de ", " de ", " para ", " para el ", " de la "]) + spanish_noun(rng, rng.pick("mf"))[1][rng.below(2)]
    elif chance < 0.75:
        adjective = stem(rng, "es", 2) + rng.pick(["nte", "l", "ble"])
        return catalogue.Alias(gender, (f"{one} {adjective}", f"{many} {spanish_plural(adjective)}"))
    return catalogue.Alias(gender, (one + about, many + about))


ALIAS = {"en": english_alias, "hr": croatian_alias, "es": spanish_alias}


def made_up(rng):
    """A product that no catalogue has; its English form is its name."""
    aliases = {language: [ALIAS[language](rng)] for language in catalogue.LANGUAGES}
    units = "".join(rng.sample(UNIT_LETTERS, 2)) + ("P" if rng.random() < 0.15 else "")
    detail = rng.pick(sorted(templates.DETAILS)) if rng.random() < 0.6 else ""
    return catalogue.Product(aliases["en"][0].forms[0], aliases, units, detail)


# ---- packaging beside that of templates.py ----

UNITS = {
    "B": {"en": "flask/flasks;carton/cartons", "hr": "m:karton/kartona/kartona;f:bočica/bočicu/bočice/bočica;m:kanister/kanistra/kanistara",
          "es": "m:frasco/frascos;f:garrafa/garrafas;m:cartón/cartones"},
    "T": {"en": "stick/sticks;pot/pots", "hr": "f:posudica/posudicu/posudice/posudica;m:lončić/lončića/lončića",
          "es": "m:tarrito/tarritos;f:barra/barras"},
    "C": {"en": "tin/tins;tub/tubs", "hr": "f:konzerva/konzervu/konzerve/konzervi;f:kanta/kantu/kante/kanti", "es": "m:bote/botes;f:tarrina/tarrinas"},
    "J": {"en": "pot/pots;jar/jars", "hr": "f:tegla/teglu/tegle/tegli;f:teglica/teglicu/teglice/teglica", "es": "m:bote/botes;m:frasco/frascos"},
    "K": {"en": "set/sets;packet/packets;pouch/pouches;roll/rolls;bundle/bundles", "hr": "m:set/seta/setova;m:komplet/kompleta/kompleta;f:rola/rolu/role/rola;m:svežanj/svežnja/svežnjeva;m:omot/omota/omota",
          "es": "m:juego/juegos;m:rollo/rollos;m:manojo/manojos;m:lote/lotes;m:sobre/sobres;m:pack/packs"},
    "X": {"en": "crate/crates;case/cases;tray/trays", "hr": "f:gajba/gajbu/gajbe/gajbi;m:sanduk/sanduka/sanduka;m:pladanj/pladnja/pladnjeva", "es": "f:bandeja/bandejas;m:cajón/cajones;m:estuche/estuches"},
    "G": {"en": "sack/sacks;net/nets", "hr": "f:vreća/vreću/vreće/vreća;f:mrežica/mrežicu/mrežice/mrežica", "es": "m:saco/sacos;f:malla/mallas;f:bolsita/bolsitas"},
}
UNIT_LETTERS = sorted(UNITS)

# ---- clauses around the request ----

SUBJECTS = {
    "en": table("""my husband|my wife|our son|my daughter|grandma|my grandpa|my sister|my brother|the neighbour|the landlord|the boss|my roommate|the dog|our cat|
the baby|the nurse|the teacher|my coach|the plumber|the painter|the mechanic|our chef|my cousin|the accountant|aunt Mary|uncle Joe|my colleague|the whole class|
the new tenant|our guide|the doctor|the dentist|the babysitter|my niece|our band|the choir|our team|my flatmate|the client|the manager"""),
    "hr": table("""moj muž|moja žena|naš sin|moja kći|baka|djed|sestra|moj brat|susjed|susjeda|gazda|šefica|cimer|pas|naša mačka|beba|učiteljica|trener|vodoinstalater|
soboslikar|majstor|naš kuhar|sestrična|bratić|knjigovođa|teta Mara|stric Ivo|kolega|cijeli razred|novi podstanar|naš vodič|liječnica|zubarica|dadilja|nećakinja|naš bend|zbor|ekipa|punica|klijent"""),
    "es": table("""mi marido|mi mujer|nuestro hijo|mi hija|la abuela|mi abuelo|mi hermana|mi hermano|el vecino|la vecina|el casero|la jefa|mi compañero de piso|el perro|nuestra gata|
el bebé|la maestra|el entrenador|el fontanero|el pintor|el mecánico|nuestro cocinero|mi prima|mi primo|el contable|la tía Carmen|el tío Paco|un colega|toda la clase|el nuevo inquilino|
la guía|la doctora|el dentista|la niñera|mi sobrina|nuestro grupo|el coro|el equipo|mi suegra|el cliente"""),
}
PREDICATES = {
    "en": table("""likes to cook|is on night shift|turns {k} today|turns {w} next week|comes back on {d}|lives on floor {k}|plays the {x}|wants a bigger {x}|broke the {x}|sold the {x}|keeps talking about the {x}|
is learning to dance|can't stand the noise|hates dust|is allergic to the {x}|works from home|is always late|has {k} cousins|waits at the door since {h}|loves the seaside|is getting married on {d}|
paid {e} for the {x}|needs to rest|is moving to Zagreb|was sick for {w} days|has an exam at {h}|is in hospital|reads all night|runs {k} km a day|starts a new job|snored all night|lent us the {x}|borrowed our {x}|
prefers the {x}|gave me a {x}|says hello|is coming for dinner|cannot sleep|washed the {x}|painted the {x}|forgot the {x} on the bus|has no {x}|asked about the {x}|already has {w}|won {k} medals|paints on sundays|is {k} years old"""),
    "hr": table("""voli kuhati|radi noćnu|danas puni {k}|sutra puni {w} godina|vraća se {d}|živi na {k}. katu|svira u bendu|hoće veći stan|stalno priča o tome|uči plesati|ne podnosi buku|mrzi prašinu|
radi od kuće|uvijek kasni|ima {k} rođaka|čeka pred vratima od {h}|voli more|ženi se {d}|plaća {e} za to|mora mirovati|seli se u Zagreb|bolestan je već {w} dana|ima ispit u {h}|leži u bolnici|čita cijelu noć|
trči {k} km dnevno|počinje novi posao|hrče cijelu noć|posuđuje nam {xa}|traži {xa}|nema {xa}|pere {xa}|opet kvari {xa}|prodaje {xa}|ne koristi {xa}|više voli {xa}|pozdravlja vas|dolazi na večeru|ne može spavati|boji {xa}|
zaboravlja {xa} u autobusu|pita za {xa}|već ima {w}|skuplja bodove|slika nedjeljom|ima {k} godina|hvali {xa}|misli na {xa}|živi bez {xg}|uživa|ljuti se|slavi rođendan|gunđa|plače|kupuje na tržnici|peče kolače"""),
    "es": table("""quiere cocinar|trabaja de noche|cumple {k} hoy|cumple {w} años mañana|vuelve {d}|vive en el piso {k}|toca en una banda|quiere una casa más grande|no para de hablar|aprende a bailar|no soporta el ruido|
odia el polvo|trabaja desde casa|siempre llega tarde|tiene {k} primos|espera en la puerta desde {h}|adora el mar|se casa {d}|pagó {e}|tiene que descansar|se muda a Madrid|lleva {w} días en cama|tiene un examen a {h}|
está en el hospital|lee toda la noche|corre {k} km al día|empieza un trabajo nuevo|ronca toda la noche|nos deja {x}|usa {x}|busca {x}|no tiene {xb}|lava {x}|rompió {x}|vendió {x}|prefiere {x}|me regaló {x}|
te saluda|viene a cenar|no puede dormir|pintó {x}|olvidó {x} en el autobús|pregunta por {x}|ya tiene {w}|ganó {k} medallas|pinta los domingos|tiene {k} años|se queja|llora|celebra su cumpleaños|protesta|está enfadado|hornea pasteles"""),
}
CLAUSES = {
    "en": table("""it rains all week|the power is out|summer starts on {d}|the train leaves at {h}|the deadline is {d}|my budget is {e}|the rent is {e}|we live on floor {k}|the match is at {h}|we have {w} cats|rule number {k}: be prepared|
the {x} is broken|the {x} is brand new|that {x} was a bargain|this {x} is too small|the {x} doesn't work without it|for the {x}|to go with the {x}|because of the {x}|my {x} is full|i am done with the {x}|after the {x} comes the rest|
no {x} without it|a {x} is not enough|the {x} will be ready at {h}|room {k} is empty|chapter {k} of my diet|day {k} of the trip|{k} degrees outside|only {k} days left|in {w} weeks it's over|i waited {w} hours|
carnival again|spring cleaning|movie night|bad news from the bank|good news|new year, new rules|long story short|house warming on {d}|wedding season|exam week|moving day|big family dinner|a picnic by the lake|
first day of school|back to the gym|the garden looks sad|i got a raise|i lost my job|my back hurts|my hands are full|winter is cold here|the roof leaks|the kitchen smells|it's {h} already|parking is {e} an hour|
i'm at the office|bus {k} never comes|page {k} of the catalogue|article {k} on the receipt|last time it was {e}|who has time for the {x}|what a day|you know me|guess what|two birds, one stone|life is short|third time lucky|
i read about the {x}|they closed the {x} shop|the {x} stays|keep the {x}|leave the {x} as it is|no changes to the {x}|instead of the {x}|the {x} can wait|half the town is here|the sofa is taken|the oven is hot"""),
    "hr": table("""kiša pada cijeli tjedan|nema struje|ljeto počinje {d}|vlak kreće u {h}|rok je {d}|budžet mi je {e}|stanarina je {e}|živimo na {k}. katu|utakmica je u {h}|imamo {w} mačaka|pravilo broj {k}: budi spreman|
pokvarilo se|{x} ne radi|ovo je {x}|{x} ostaje|{x} je u kvaru|{x} može čekati|{xa} imam|{xa} ostavi kako jest|zbog {xg}|za {xa}|uz {xa}|umjesto {xg}|nakon {xg}|bez {xg} ne ide|nema više {xg}|ne mogu bez {xg}|dosta mi je čekanja|
soba {k} je prazna|peti dan puta|vani je {k} stupnjeva|ostalo je samo {k} dana|za {w} tjedana je gotovo|čekala sam {w} sati|opet karneval|proljetno čišćenje|filmska večer|loše vijesti iz banke|dobre vijesti|nova godina, nova pravila|
ukratko|useljenje je {d}|sezona svadbi|ispitni rok|dan selidbe|velika obiteljska večera|piknik na jezeru|prvi dan škole|natrag u teretanu|vrt izgleda tužno|dobila sam povišicu|ostao sam bez posla|bole me leđa|ruke su mi pune|
ovdje su zime hladne|krov curi|u kuhinji smrdi|već je {h}|parking je {e} na sat|u uredu sam|autobus {k} nikad ne dolazi|stranica {k} u katalogu|stavka {k} na računu|prošli put je bilo {e}|tko ima vremena za {xa}|kakav dan|znaš mene|
pogodi što|život je kratak|treća sreća|čitao sam o tome|zatvorili su dućan|pola grada je ovdje|kauč je zauzet|pećnica je vruća|na {xa} smo zaboravili|sve je zbog {xg}|hladno mi je|vruće je|djeca spavaju|spremamo zabavu|kuhamo ručak|
jučer je stigla {x}|ovdje je već {x}|imam već {xa}|skupo je sve|krenuli smo na more|vikend je pred vratima|bolje ikad nego nikad|strpljen spašen|oči me bole|selimo se {d}|grad je pun|učimo za ispit|doma je nered|gledamo film|ponovno trčim"""),
    "es": table("""llueve toda la semana|se fue la luz|el verano empieza {d}|el tren sale a {h}|el plazo es {d}|mi presupuesto son {e}|el alquiler son {e}|vivimos en el piso {k}|el partido es a {h}|tenemos {w} gatos|regla número {k}: estar listo|
{x} no funciona|{x} es nuevo|{x} se queda|{x} puede esperar|este es {x}|por {x}|para {x}|con {x}|en vez de {x}|después de {x}|sin {xb} no hay nada|no queda {xb}|no puedo vivir sin {xb}|deja {x} como está|no toques {x}|ya tengo {x}|gracias a {x}|
la habitación {k} está vacía|quinto día de viaje|fuera hay {k} grados|solo quedan {k} días|en {w} semanas se acaba|esperé {w} horas|otra vez carnaval|limpieza de primavera|noche de cine|malas noticias del banco|buenas noticias|año nuevo, reglas nuevas|
en resumen|la inauguración es {d}|temporada de bodas|semana de exámenes|día de mudanza|gran cena familiar|un picnic en el lago|primer día de clase|de vuelta al gimnasio|el jardín está triste|me subieron el sueldo|me quedé sin trabajo|
me duele la espalda|tengo las manos llenas|aquí los inviernos son fríos|hay goteras|la cocina huele mal|ya son {h}|el parking cuesta {e} la hora|estoy en la oficina|el autobús {k} nunca llega|página {k} del catálogo|artículo {k} del recibo|
la otra vez fueron {e}|quién tiene tiempo para {x}|qué día|ya me conoces|adivina qué|la vida es corta|a la tercera va la vencida|leí sobre {x}|cerraron la tienda|media ciudad está aquí|el sofá está ocupado|el horno está caliente|
tengo frío|hace calor|los niños duermen|preparamos una fiesta|cocinamos juntos|ayer llegó {x}|todo está caro|nos vamos al mar|llega el fin de semana|más vale tarde que nunca|me duelen los ojos|nos mudamos {d}|estudio para el examen|
la casa está hecha un desastre|vemos una película|otra vez salgo a correr|el concierto es {d}|la boda es {d}|todo es culpa de {x}"""),
}
HOURS = {"en": table("{k} am|{k} pm|noon|{k} o'clock|half past {k}|{k}:30"), "hr": table("{k} sati|{k} ujutro|podne|{k} navečer|{k} i 30|{k}:15 h"),
         "es": table("las {k}|las {k} de la tarde|mediodía|las {k} y media|las {k}:30")}
DATES = {"en": table("May {k}|the {k}th|June {k}|friday the {k}th|monday|saturday|the {k}th of July"),
         "hr": table("{k}. svibnja|{k}. u mjesecu|{k}.6.|u petak|u subotu|{k}. srpnja|sljedeći tjedan"),
         "es": table("el {k} de mayo|el día {k}|el {k} de junio|el viernes {k}|el lunes|el sábado|el {k} de julio")}
PRICES = {"en": table("${k}|{k} euros|{k} bucks|£{k}|{k}.99"), "hr": table("{k} eura|{k} kn|{k},99 eura|{k} €"), "es": table("{k} euros|{k} €|{k},99 euros|${k}")}
BEFORE = {"en": ", so |. |! |, |; | - |: | and |, therefore |... |. So |? ".split("|"), "hr": ", pa |. |! |, |; | - |: | i |, zato |... |. Zato |, stoga |? ".split("|"),
          "es": ", de modo que |. |! |, |; | - |: | y |, por eso |... |. Por eso |, pues |? ".split("|")}
AFTER = {"en": ". |, | because |; | - |! |, since |... ".split("|"), "hr": ". |, | jer |; | - |! |, naime |... |, budući da ".split("|"),
         "es": ". |, | porque |; | - |! |, ya que |... |, pues ".split("|")}

# ---- requests ----

EN_PUSH = table("throw|toss|chuck|fling|sling|lob|bung|shove|stick|pop|drop|slide|put|squeeze|sneak|fit|whack|lump|plonk|get")
EN_IN = table("in|into the cart|on the pile|onto the order|in there|on the list|on my tab|on the bill|my way|on top|into the bag|onto the receipt|in the box")
EN_OUT_VERBS = table("throw|toss|chuck|fling|kick|boot|take|pull|get|knock|cut|leave|cross|scratch|wipe|rub|weed|edit|bump|strip|have|ship|push")
EN_OUT = table("out|off|away|off the list|out of the cart|off the order|off my tab|from the pile|off the bill|back out|out of there|off the receipt|out of my sight")
REQUESTS = {
    ("en", "add"): table("""lay in {np}|stock {np}|hook us up with {np}|score me {np}|nab {np}|snag {np}|source {np}|equip us with {np}|furnish {np}|provide {np}|provide me with {np}|supply us with {np}|arrange {np}|organise {np}|
charge {np} to my account|bill me for {np}|ring {np} up|queue up {np}|pencil in {np}|sign us up for {np}|count {np} in|line up {np}|gift me {np}|treat yourself to no less than {np} and bill me|spoil me with {np}|
wrap {np} for me|pack up {np}|bag {np}|box {np} up|load {np} up|dispatch {np}|have {np} sent over|have {np} ready|see that i get {np}|make it happen: {np}|make sure to bring {np}|don't forget {np}|remember {np}|
i wouldn't mind {np}|i can't do without {np}|i'm short of {np}|i'm low on {p}|we're down to the last {p}, get more|{np} would come in handy|{np} would do nicely|{np} would be great, add {cl}|{np} wanted|{np} needed|{np} required|wanted: {np}|
needed urgently: {np}|{np} it is|{np}, yes please|{np} for me|mine's {np}|i'd kill for {np}|i'm craving {np}|time for {np}|let's go for {np}|let's get {np}|i choose {np}|i pick {np}|i've decided on {np}|we settled on {np}|
another {p}|one more {p}|extra {p}, buy it|{np} more|bump {p} up by {n}|raise {p} by {n}|{n} more {p}|{n} extra {p}|make that {n} {p} more|nice {p}! i'll take {cl}|i saw {np}, buy {cl}|i like {np}, put {cl} in|is there {np}? add {cl}|
lovely {p}, wrap {cl} up|could you see to {np}|be a dear and get {np}|do me a favour and order {np}|we're short of {p}: {n}|the list lacks {np}|nothing but {np} is missing, add {cl}|{np} can be added|{np} to be added|{np} to be delivered|{np} must be in the order|
{np} shall be included|kindly supply {np}|we hereby order {np}|we request {np}|i would be grateful for {np}|i would welcome {np}|would you be able to send {np}|any chance of {np}|got {p}? get me {cl}|fill my cart with {np}|fill the shelf with {np}"""),
    ("en", "remove"): table("""withdraw {np}|{np} to be withdrawn|{np} to be removed|{np} to be taken off|{np} must be cancelled|{np} shall be removed|{np} can be removed|kindly withdraw {np}|we hereby cancel {np}|please annul {np}|annul {np}|rescind {np}|purge {np}|
axe {np}|nuke {np}|bin {np}|trash {np}|sack {np}|shed {np}|banish {np}|veto {np}|unlist {np}|deduct {np}|disregard {np}|ignore {np}|dismiss {np}|terminate {np}|abort {np}|expel {np}|oust {np}|unload {np}|offload {np}|
return {np} to the shelf|put {np} back|put {np} back on the shelf|send {np} back|hand {np} back|let {np} go|let go of {np}|pass on {np}|i'll pass on {np}|give {np} a miss|spare me {np}|save me {np}|keep {np}, i don't want {cl}|you can keep {np}|
we can do without {np}|we'll manage without {np}|i'm fine without {np}|i'm good without {np}|goodbye {np}|bye bye {np}|so long, {np}|farewell {p}|enough of {np}|that's it for {np}|out with {np}|away with {np}|down with {np}|off with {np}|
{np} out|{np} off|{np} gone|{np} no longer needed|{np} not needed|{np} not wanted|{np} unwanted|{np} - cancelled|{np} is off|{np} is no use to us|{np} is pointless|{np} has had its day|{np} was a bad idea|{np} was a mistake|{np} can go|{np} must go|
{n} {p} less|{n} {p} fewer|{n} fewer {p}|{n} less of {p}|cut {p} by {n}|lower {p} by {n}|bring {p} down by {n}|take {n} off {p}|reduce {p} by {n}|i see {np} in my cart, lose {cl}|i saw {np} on the list, scrap {cl}|{np}? drop {cl}|{np}? i don't think so|
nobody needs {np}|who ordered {np}? cancel {cl}|who needs {np}, scratch {cl}|i overdid it with {np}|i regret {np}|i take back {np}|on second thought, no {p}|not a single {p} anymore|forget i asked for {np}|unsubscribe me from {np}|
stop {np}|call off {np}|halt {np}|back out of {np}|refund {np}|refund me for {np}|no longer interested in {np}|we won't be needing {np}|i won't be taking {np}|i'd sooner not have {np}|do away with {np}|relieve me of {np}|rid the cart of {np}"""),
    ("hr", "add"): table("""pribavi {np}|pribavite {np}|pribavi mi {np}|dohvati {np}|dohvatite {np}|osiguraj nam {np}|osigurajte nam {np}|opremi nas za put: {np}|zapakiraj {np}|spakiraj {np}|spakirajte {np}|upakiraj {np}|zamotaj {np}|tovari {np}|utovari {np}|
natovari {np}|trpaj {np}|strpaj {np}|uguraj {np}|nabaci {np}|dometni {np}|pridodaj {np}|pridružite {np} ostalom|uvrsti {np}|uvrstite {np}|prikači {np}|unesi {np}|unesite {np}|zabilježi {np}|ukrcaj {np}|preuzmi {np}|poruči {np}|poručujem {np}|
stavi {np} na račun|{nn} ide na račun|neka {nn} ide na moj trošak|upiši na mene {np}|piši mi {np}|priušti mi {np}|počasti me: {np}|daruj mi {np}|razveseli me: {np}|pripremite {np}|pripremi mi {np}|složi mi {np}|slobodno dodaj {np}|
hvataj {np}|grabi {np}|ponesi {np}|ponesite {np}|dostavi {np}|dostavite {np}|otpremi {np}|isporuči nam {np}|neka dostave {np}|šibni {np} u košaricu|
bubni {np} unutra|hitno treba {nn}|treba {nn}|trebala bi mi {nn}|trebao bi nam {nn}|dobro bi došla {nn}|dobro bi došao {nn}|dobro bi došlo ovo: {nn}|ponestalo je {ng}|nestalo je {ng}, kupi|nemam {ng}, nabavi|ostali smo bez {ng}, nadopuni|fali {nn}|nedostaje {nn}|
želim si {np}|želja mi je {nn}|baš mi se sviđa {nn}, uzimam|sviđa mi se {nn}, dodaj {cl}|lijepa stvar, {nn}, spremi {cl}|vidim {np}, kupi {cl}|ima li {ng}? dodaj {cl}|{nn}, može|{nn}, naravno|{nn} za mene|{nn} molim|{np} bih|{np} bismo|
uzela bih {np}|uzeo bih {np}|kupila bih {np}|naručila bih {np}|{np} uzimam|{np} kupujem|{np} naručujem|{np} trebam|{np} hoću|{np} želim|{np} dodaj|{np} ubaci|još {n} {p}|dodatno {np}|i još {np}|povećaj {p} za {n}|za {n} više: {p}|
odlučila sam se za {np}|biram {np}|izabrao sam {np}|idem po {np}|ajmo na {np}|vrijeme je za {np}|molimo dostavu: {np}|ovime naručujemo {np}|naručuje se {nn}|kupuje se {nn}|dodaje se {nn}|traži se {nn}|potrebno je dodati {np}|potrebno: {nn}|
valja kupiti {np}|treba naručiti {np}|treba dodati {np}|trebalo bi naručiti {np}|zahvalna bih bila za {np}|budi drag i kupi {np}|učini mi uslugu i naruči {np}|ne zaboravi {np}|zapamti {np}|pobrini se za {np}|pobrinite se da stigne {nn}|
napuni košaricu: {np}|opskrbi nas, treba {nn}|skupi {np}|sredi mi {np}|nađi {np}|isposluj {np}|da vidim {np} u košarici|u košaricu {np}|u košaricu ide {nn}|na popis ide {nn}|na popis {np}|neka se doda {nn}|neka uđe i {nn}|{nn} ulazi u narudžbu|{nn} neka bude tu"""),
    ("hr", "remove"): table("""storniraj {np}|stornirajte {np}|storno {np}|storno: {np}|{nn}: storno|stornirala bih {np}|želim stornirati {np}|otkazujemo {np}|otkaži mi {np}|odjavi {np}|odjavite {np}|opozovi {np}|opozovite {np}|obustavi {np}|obustavite slanje, {nn} ne treba|
ukini {np}|ukinite {np}|eliminirajte {np}|pobriši {np}|pobrišite {np}|izbrišimo {np}|otpiši {np}|otpišite {np}|skloni {np}|sklonite {np}|odmakni {np}|izuzmi {np}|izuzmite {np}|odstrani {np}|odstranite {np}|otkloni {np}|
križaj {np}|križajte {np}|prekrižite {np}|precrtaj {np}|precrtavam {np}|povlačim {np}|povuci {np} iz narudžbe|povucite {np}|odbacujem {np}|odbacite {np}|odbijam {np}|odbijamo {np}|vraćamo {np}|vrati mi novac za {np}|vrati {np} na policu|
bacam {np}|u smeće {np}|van {np}|van s popisa: {np}|{nn} van|{nn} ispada|{nn} otpada|otpada {nn}|otpada i {nn}|{nn} ne dolazi u obzir|{nn} nije potrebna|{nn} nije potreban|ne treba {nn}|ne treba više {nn}|više nije potrebno slati {np}|
nema potrebe za stavkom {nn}|neka ide {nn}|neka nestane {nn}|nek otpadne {nn}|zbogom {nn}|doviđenja {nn}|dosta je {ng}|dosta nam je {ng}|previše je {ng}, smanji|imamo dovoljno {ng}|odričemo se {ng}|odustajem od {ng}|odustali smo od {ng}|
lišavam se {ng}|riješi se {ng}|riješite me {ng}|čuvaj me {ng}|bez {ng}|bez {ng} molim|bez {ng} ovog puta|mogu bez {ng}|možemo bez {ng}|preživjet ćemo bez {ng}|ne želim više {np}|ne uzimam {np}|neću {np}|nećemo {np}|ne kupujemo {np}|ne naručujemo {np}|
{np} ne želim|{np} ne trebam|{np} neću|{np} ne uzimam|{np} makni|{np} izbaci|{np} briši|{np} vraćam|{np} otkazujem|{np} storniraj|{np} maknite|preskačem {np}|preskoči ovaj put {np}|zanemari {np}|zanemarite {np}|ignoriraj {np}|zaboravite {np}|
pusti {np}, ne treba|pustimo {np}|ostavi {np} u dućanu|ostavite {np} na polici|reži {np}|skreši {np}|sreži {np}|smanji {p} za {n}|smanjite {p} za {n}|za {n} manje: {p}|{n} {p} manje|manje {ng}|kajem se zbog {ng}|žalim za {np}, makni {cl}|
predomislila sam se za {np}|predomislio sam se, ne treba {nn}|pogreška je {nn}|greškom je tu {nn}|slučajno sam dodala {np}|slučajno je dodana stavka {nn}, miči {cl}|vidim {np}, makni {cl}|tko je naručio {np}, briši {cl}|{nn}? ne hvala|{nn}? izbaci {cl}|
ovime otkazujemo {np}|briše se {nn}|uklanja se {nn}|otkazuje se {nn}|vraća se {nn}|potrebno je ukloniti {np}|treba maknuti {np}|treba otkazati {np}|valja izbaciti {np}|budi drag i makni {np}|učini mi uslugu i izbaci {np}|povrat: {np}|otkaz: {np}|brisanje: {np}|
s popisa {np}|s popisa miči {np}|iz košarice {np} van|iz narudžbe {np} van|neka se makne {nn}|izlazi {nn}|{nn} izlazi iz narudžbe|{nn} neka ne dolazi|šutni {np}|šutni van {np}|odfikari {np}|otkantaj {np}|ekskomuniciraj {np}"""),
    ("es", "add"): table("""consigue {np}|consiga {np}|consigan {np}|consíguenos {np}|surte {np}|surtan {np}|suministra {np}|proporciona {np}|provee {np}|dótanos de {np}|equípanos con {np}|incorpora {np}|incorpore {np}|integra {np}|cárgame {np}|carga {np} a mi cuenta|
échame {np}|tírame {np}|pilla {np}|píllame {np}|hazte con {np}|hazme con {np}|haz acopio de {np}|apúntame {np}|apunten {np}|anótame {np}|anoten {np}|inscribe {np}|registra {np}|reserven {np}|resérvame {np}|resérvanos {np}|aparten {np}|
sepárame {np}|empaca {np}|empaqueta {np}|envuelve {np}|envuélveme {np}|embólsame {np}|despacha {np}|despáchame {np}|sirve {np}|sírveme {np}|alcánzame {np}|acércame {np}|tráiganme {np}|tráiganos {np}|traigan {np}|manden {np}|mándenme {np}|envíen {np}|
que me manden {np}|que nos traigan {np}|que me traigan {np}|que venga {np}|regálame {np}|obséquiame {np}|date el gusto y pide {np}|invítame a {np}|prepara {np}|preparen {np}|prepárame {np}|ten lista la compra: {np}|facture {np}|cóbrame {np}|súmale {np}|
añádele {np}|agrégale {np}|métele {np}|ponle {np}|échale {np}|añadan {np}|agreguen {np}|pongan {np}|compren {np}|pidan {np}|encarguen {np}|encárgame {np}|solicitamos {np}|requerimos {np}|requiero {np}|preciso {np}|precisamos {np}|se necesita {np}|
se busca {np}|se pide {np}|hace falta {np}|hacen falta {np}|urge {np}|me urge {np}|nos falta {np}|no queda {p}, compra {n}|me quedé sin {p}, pide más|estamos sin {p}, repón|nos quedamos sin {p}, trae {n}|me muero por {np}|se me antoja {np}|tengo ganas de {np}|
toca {np}|vamos a por {np}|voy a por {np}|elijo {np}|me decido por {np}|nos decidimos por {np}|escojo {np}|me apunto a {np}|me viene bien {np}|nos vendría genial {np}|sería estupendo tener {np}|qué bien me vendría {np}|{np} para mí|{np} para llevar|
{np}, sí|{np}, claro|{np}, venga|{np} por favor|{np} al carro|{np} a la cesta|{np} a la lista|{np} en mi cuenta|{np}, apúntalo|{np} quiero|{np} necesito|me gusta {np}, añáde{cl}|veo {np}, cómpra{cl}|bonito todo, y {np}, envuélve{cl}|hay {p}? píde{cl}|
si hay {np}, tráe{cl}|ahí está {np}, guárda{cl}|{np} me encanta, méte{cl}|{np} pinta bien, resérva{cl}|otro {p}|otra {p}|otros {n} {p}|otras {n} {p}|{n} {p} más|{np} adicionales|sube {p} en {n}|aumenta {p} en {n}|por la presente pedimos {np}|
rogamos envíen {np}|agradecería {np}|le agradecería que enviara {np}|hazme el favor de pedir {np}|sé bueno y pide {np}|no te olvides de {np}|acuérdate de {np}|encárgate de {np}|ocúpate de {np}|asegúrate de que venga {np}|llena el carro con {np}|
llénanos la despensa con {np}|cuenta con {np}|inclúyeme {np}|déjame apartado {np}|déjame pedir {np}|apuesto por {np}|en la lista va {np}|a la lista va {np}|al pedido se suma {np}|que se añada {np}|que no falte {np}|que entre {np}|colócame {np}|coloca {np}|deposita {np}"""),
    ("es", "remove"): table("""tacha {np}|tachen {np}|táchame {np}|tacho {np}|tachamos {np}|desecha {np}|deseche {np}|desechen {np}|desecho {np}|suprime {np}|suprimir {np}|supriman {np}|suprimo {np}|devuelve {np}|devuelvan {np}|devuelvo {np}|devolvemos {np}|devuélveme el dinero de {np}|
retiren {np}|retírame {np}|retiro {np}|retiramos {np}|descarten {np}|descartamos {np}|descártame {np}|revoca {np}|revoque {np}|deroga {np}|destierra {np}|expulsa {np}|echa fuera {np}|bota {np}|botemos {np}|sustrae {np}|sustraiga {np}|
despide {np}|aparta de mí {np}|aleja {np}|elimínalo todo, o al menos {np}|eliminen {np}|elimínenme {np}|borren {np}|borramos {np}|cancelen {np}|cancelamos {np}|anulen {np}|anulamos {np}|quiten {np}|quitamos {np}|saquen {np}|sacamos {np}|
omitan {np}|omitimos {np}|excluyan {np}|olviden {np}|olvidemos {np}|olvídense de {np}|paso de comprar {np}|paso con {np}|prescindimos de {np}|prescinda de {np}|renuncio a {np}|renunciamos a {np}|desistimos de {np}|me desdigo de {np}|me deshago de {np}|
deshágase de {np}|despídete de {np}|adiós, {np}|hasta nunca, {np}|chao {p}|ni hablar de {np}|ni un {p} más|nada de {np}|basta de {np}|basta ya de {np}|no más {np}|fuera {np}|fuera con {np}|fuera de la lista {np}|fuera del carro {np}|{np} fuera de la lista|
{np} a la basura|{np} al olvido|{np} no|{np} no, gracias|{np} ya no hace falta|{np} ya no hacen falta|{np} sobra|{np} no va|{np} no me convence, quíta{cl}|{np} queda cancelado|{np} queda fuera|{np} se cae de la lista|{np} no procede|{np} se anula|se anula {np}|
se cancela {np}|se devuelve {np}|se retira {np}|se elimina {np}|que se quite {np}|que se borre {np}|que desaparezca {np}|que no venga {np}|que no manden {np}|no manden {np}|no envíen {np}|no traigan {np}|no me traigas {np}|no me pongas {np}|no me mandes {np}|
no cuentes con {np}|no contaré con {np}|no me hace falta {np}|no me interesa {np}|no nos interesa {np}|no me convence {np}|me arrepiento de {np}|me equivoqué con {np}|fue sin querer {np}, bórra{cl}|veo {np}, sáca{cl}|quién pidió {np}, elimína{cl}|
{np}? quíta{cl}|{np}? ni loco|ahí está {np}, retíra{cl}|sin {p}|sin {p} esta vez|podemos vivir sin {p}|puedo pasar sin {p}|nos apañamos sin {p}|{n} {p} menos|rebaja {p} en {n}|baja {p} en {n}|reduce {p} en {n}|quita {n} a {p}|menos {p}: {n}|
demasiado {p}, quita {n}|por la presente cancelamos {np}|rogamos anulen {np}|le agradecería que quitara {np}|hazme el favor de quitar {np}|sé bueno y saca {np}|devolución: {np}|anulación: {np}|baja: {np}|cancelación de {np}|reembolso de {np}|
reembólsame {np}|deja {np} en la tienda|déjame sin {p}|pon {np} de vuelta en el estante|vuelve a poner {np} en su sitio|guárdate {np}|quédate con {np}|ahórrame {np}|líbrenme de {np}|ignora {np}|ignore {np}|salta {np}|sáltate {np}|corta {np}|frena {np}|para {np}|detén {np}"""),
}
# "What a {p}, ...": the product first, then what to do with it.
TALK = {
    "en": table("nice {p}|what a {p}|that {p} looks good|{np}, hmm|is {np} still there|speaking of {np}|as for {np}|about {np}|i see {np} here|there's {np}|we have {np} in there|{np}, right|remember {np}|you know {np}|so, {np}|there is {np} on the list|this {p} is something"),
    "hr": table("lijepo: {nn}|kakva stvar, {nn}|{nn} izgleda dobro|{nn}, hm|ima li još {ng}|kad smo kod {ng}|što se tiče {ng}|vidim {np}|tu je {nn}|imamo {np} na popisu|{nn}, je li|sjećaš se {ng}|znaš {np}|dakle {nn}|na popisu je {nn}|e, {nn}|to je {nn}|evo {ng}|gledam {np}|tu još stoji {nn}|kod nas je {nn}"),
    "es": table("qué bien, {np}|vaya {p}|{np} se ve bien|{np}, mmm|queda todavía {p}|hablando de {np}|en cuanto a {np}|sobre {np}|veo {np} aquí|ahí está {np}|tenemos {np} en la lista|{np}, ¿no?|te acuerdas de {np}|ya sabes, {np}|entonces, {np}|en la lista está {np}|menudo {p}|mira {np}"),
}
THEN = {
    ("en", "add"): table("add {cl}|buy {cl}|get {cl}|order {cl}|take {cl}|grab {cl}|include {cl}|put {cl} in|throw {cl} in|i'll take {cl}|i want {cl}|i need {cl}|wrap {cl}|book {cl}|reserve {cl}|send {cl} over|bring {cl}|pack {cl}|go ahead and buy {cl}|please add {cl}|ring {cl} through"),
    ("en", "remove"): table("remove {cl}|delete {cl}|drop {cl}|cancel {cl}|scrap {cl}|take {cl} out|throw {cl} out|kick {cl} out|i don't want {cl}|i don't need {cl}|cross {cl} out|send {cl} back|put {cl} back|return {cl}|ditch {cl}|lose {cl}|get rid of {cl}|please remove {cl}|skip {cl}|leave {cl} out|strike {cl}"),
    ("hr", "add"): table("dodaj {cl}|kupi {cl}|uzmi {cl}|naruči {cl}|stavi {cl}|ubaci {cl}|nabavi {cl}|spremi {cl}|pošalji {cl}|donesi {cl}|rezerviraj {cl}|upiši {cl}|uvrsti {cl}|uzimam {cl}|želim {cl}|hoću {cl}|trebam {cl}|molim dodajte {cl}|spakirajte {cl}|zamotaj {cl}|naručujem {cl}|trpaj {cl} unutra|neka stigne|može|to uzimam"),
    ("hr", "remove"): table("makni {cl}|izbaci {cl}|ukloni {cl}|obriši {cl}|izbriši {cl}|briši {cl}|otkaži {cl}|storniraj {cl}|poništi {cl}|vrati {cl}|skini {cl}|odbaci {cl}|križaj {cl}|precrtaj {cl}|stornirajte {cl}|maknite {cl}|ne želim {cl}|neću {cl}|ne trebam {cl}|ne uzimam {cl}|otkazujem {cl}|vraćam {cl}|miči {cl}|baci {cl}|otpada|to otpada|storno|van|ne treba"),
    ("es", "add"): table("añáde{cl}|agréga{cl}|cómpra{cl}|píde{cl}|méte{cl}|pon{cl}|tráe{cl}|resérva{cl}|apúnta{cl}|anóta{cl}|envuélve{cl}|encárga{cl}|incluye sí|{cl} quiero|{cl} necesito|me {cl} llevo|{cl} compro|guárda{cl}|mánda{cl}|súma{cl}|cárga{cl}|écha{cl}|consígue{cl}"),
    ("es", "remove"): table("quíta{cl}|elimína{cl}|bórra{cl}|sáca{cl}|retíra{cl}|cancéla{cl}|anúla{cl}|devuélve{cl}|descárta{cl}|desécha{cl}|suprime|exclúye{cl}|no {cl} quiero|no {cl} necesito|ya no {cl} quiero|no {cl} compro|{cl} devuelvo|{cl} cancelo|olvída{cl}|bóta{cl}|tíra{cl}|tácha{cl} ya"),
}
TAILS = {
    "en": table("for the trip|for the kids|for work|for the wedding|for tonight|for the road|for dad|for the two of us|for everyone|for the flat|for my birthday|with everything else|on my account|under my name|for school|for the garden"),
    "hr": table("za izlet|za klince|za posao|za svadbu|za večeras|za tatu|za nas dvoje|za sve|za stan|za rođendan|s ostalim stvarima|na moje ime|za školu|za vrt|za vikend|nama|nam|meni"),
    "es": table("para el viaje|para los niños|para el trabajo|para la boda|para esta noche|para papá|para los dos|para todos|para el piso|para mi cumple|con las demás cosas|a mi nombre|para el cole|para el jardín|para el finde"),
}
# Words that describe and are not part of the name: English before it, Croatian before it in the
# singular (m, f, n as the accusative), Spanish after it (m, f singular).
DESCRIBED = {
    "en": table("nice|little|small|big|cheap|pretty|fancy|new|good|decent|proper|plain|huge|tiny|beautiful|simple|old|cute|posh|sturdy"),
    "hr": table("mali/malu/malo|veliki/veliku/veliko|novi/novu/novo|dobar/dobru/dobro|jeftin/jeftinu/jeftino|lijep/lijepu/lijepo|običan/običnu/obično|pristojan/pristojnu/pristojno|skup/skupu/skupo|neki/neku/neko|onaj/onu/ono|ovaj/ovu/ovo|moj/moju/moje|taj/tu/to|kakav/kakvu/kakvo|jak/jaku/jako|stari/staru/staro"),
    "es": table("pequeño/pequeña|grande/grande|nuevo/nueva|bueno/buena|barato/barata|bonito/bonita|sencillo/sencilla|chulo/chula|enorme/enorme|viejo/vieja|normal/normal|resistente/resistente|pequeñito/pequeñita|majo/maja|caro/cara"),
}
ADVERBS = {
    "en": table("right now|today|straight away|quickly|in any case|this time|at once|soon|before it's gone|again|instead|for good|completely|once and for all|immediately"),
    "hr": table("odmah|danas|žurno|brzo|svakako|ovaj put|smjesta|uskoro|dok ne nestane|opet|radije|zauvijek|sasvim|jednom zauvijek|hitno|za svaki slučaj"),
    "es": table("ya mismo|hoy|enseguida|rápido|en todo caso|esta vez|de inmediato|pronto|antes de que se acabe|otra vez|mejor|para siempre|del todo|de una vez|urgente|por si acaso"),
}


def number(rng):
    return str(rng.weighted({1 + rng.below(12): 6, 10 + rng.below(90): 3, 100 + rng.below(900): 1}))


def number_word(rng, language):
    value = 2 + rng.below(11)
    return {"en": quantities.english, "hr": quantities.croatian,
            "es": quantities.spanish}[language](value)[0]


def thing(rng, language, products, slot):
    """A noun that is not ordered: made up, or a product of the catalogue."""
    if rng.random() < 0.55:
        alias = ALIAS[language](rng)
    else:
        alias = rng.pick(rng.pick(products).aliases[language])
    if language == "hr":
        return phrases.hr_form(alias, "one", {"x": "nom", "xa": "acc", "xg": "gen"}[slot])
    if language == "es" and slot == "x":
        female, many = phrases.es_gender(alias) == "f", alias.gender == "p"
        article = {(0, 0): "el", (1, 0): "la", (0, 1): "los", (1, 1): "las"}[female, many]
        return f"{article} {alias.forms[0]}"
    return alias.forms[0]


def fill(rng, language, text, products):
    """The slots of a clause."""
    def slot(found):
        key = found[1]
        if key in ("x", "xa", "xb", "xg"):
            return thing(rng, language, products, key)
        return {"s": lambda: rng.pick(SUBJECTS[language]), "v": lambda: rng.pick(PREDICATES[language]),
                "k": lambda: number(rng), "w": lambda: number_word(rng, language),
                "h": lambda: rng.pick(HOURS[language]), "d": lambda: rng.pick(DATES[language]),
                "e": lambda: rng.pick(PRICES[language])}[key]()

    while "{" in text:
        text = re.sub(r"{(\w+)}", slot, text)
    return re.sub(r"\b(de|a) el ", lambda found: found[1] + "l ", text)


def clause(rng, language, action, products):
    chance = rng.random()
    if chance < 0.40:
        return fill(rng, language, "{s} {v}", products)
    if chance < 0.85:
        return fill(rng, language, rng.pick(CLAUSES[language]), products)
    return rng.pick(frames.REASONS[language, action])


def request(rng, language, action):
    chance = rng.random()
    if chance < 0.12:
        return (rng.pick(TALK[language]) + rng.pick([", ", ". ", "! ", " - ", ": ", "? ", {
            "en": " so ", "hr": " pa ", "es": " y "}[language]]) + rng.pick(THEN[language, action]))
    if chance < 0.52:
        core = rng.pick(REQUESTS[language, action])
    elif language == "en" and chance < 0.67:
        verb, place = ((EN_PUSH, EN_IN) if action == "add" else (EN_OUT_VERBS, EN_OUT))
        core = f"{rng.pick(verb)} {{np}} {rng.pick(place)}"
    else:
        verb = rng.pick(frames.VERBS[language, action])
        core = f"{verb} {{np}}"
        if language == "hr" and " " not in verb and rng.random() < 0.2:
            core = f"{{np}} {verb}"
        if rng.random() < 0.3:
            core += " " + rng.pick(frames.PLACES[language, action])
    if rng.random() < 0.12:
        core += " " + rng.pick(TAILS[language])
    elif rng.random() < 0.12:
        adverb = rng.pick(ADVERBS[language])
        core = f"{adverb} {core}" if rng.random() < 0.4 else f"{core} {adverb}"
    return core


def build(rng, language, action, products):
    """A template: a request, most often with clauses before or after it."""
    core = request(rng, language, action)
    chance = rng.random()
    if chance < 0.62:
        before = clause(rng, language, action, products)
        if rng.random() < 0.1:
            before += rng.pick([", ", ". "]) + clause(rng, language, action, products)
        core = before + rng.pick(BEFORE[language]) + core
    if chance > 0.50 and chance < 0.82:
        core += rng.pick(AFTER[language]) + clause(rng, language, action, products)
    return core


def pronoun(language, alias, many):
    """What {cl} stands for."""
    if language == "en":
        return "them" if many else "it"
    if language == "hr":
        return "ih" if many or alias.gender == "p" else "je" if alias.gender == "f" else "ga"
    return ("la" if phrases.es_gender(alias) == "f" else "lo") + ("s" if many or alias.gender == "p" else "")


def brand(rng):
    """A name that nobody has; some are two words."""
    name = stem(rng, rng.pick(catalogue.LANGUAGES), 2).capitalize()
    return name + (" " + english_word(rng).capitalize() if rng.random() < 0.15 else "")


def units():
    """Packaging: that of templates.py and the one above."""
    return {letter: {language: templates.UNITS[letter][language] + ";" + UNITS[letter][language]
                     for language in catalogue.LANGUAGES} for letter in UNITS}


def described(rng, language, alias, text, many):
    """(words before the product, words after it) that describe it, or None where they would not
    agree."""
    if language == "en":
        return rng.pick(DESCRIBED["en"]) + " ", ""
    if many or alias.gender == "p":
        return None
    if language == "hr":
        at = {"m": 0, "f": 1, "n": 2}[alias.gender]
        return rng.pick(DESCRIBED["hr"]).split("/")[at] + " ", ""
    at = phrases.es_gender(alias) == "f"
    return "", " " + rng.pick(DESCRIBED["es"]).split("/")[at]
