# SPDX-License-Identifier: Apache-2.0
"""Sentences of the shopping-intent generator, a list for each language and action.

Slots: {np} quantity and product as the object (Croatian accusative); {nn} the same in the Croatian
nominative; {ng} in the Croatian genitive; {p} the product alone, singular, as the object; {n} a
free-standing number.  A template with {n} is used for explicit quantities only.  Lower case at the
beginning: the generator decides about capitals.
"""

TEMPLATES = {
    ("en", "add"): """
add {np} to my cart
add {np}
please add {np} to my shopping cart
put {np} in my basket
put {np} in the cart
could you add {np} to my order
could you please put {np} into my basket
i would like to add {np} to my order
i'd like {np}
i'd like to buy {np}
i need {np}
we need {np} for the weekend
we're out, so add {np}
can i get {np}
can you throw {np} in the cart
i want {np}
i want to order {np}
order {np} for me
buy {np}
get me {np}
get {np}
grab {np} for me
give me {np}
i'll take {np}
include {np} in my order
include {np} in the next delivery
would it be possible to add {np} to my basket
kindly add {np} to my current order
let's add {np}
let me have {np}
make sure {np} is in my cart
my cart needs {np}
also add {np}
also {np}
throw in {np}
i'm looking to purchase {np}
toss {np} into the cart
one more thing, add {np}
don't forget to add {np}
put me down for {np}
{np} to the cart
{np} in my basket
add to cart: {np}
add: {np}
+ {np}
add {p}, {n}
add {p} {n}
add {p} - quantity {n}
add {p}, qty {n}
cart: {p} {n}
please add {p}, quantity: {n}
put {p} in the cart, make it {n}
i want {p}, {n} in total
i need {p}, about {n} should do
{p} {n} add
buy {p}, {n}
i'll have {p}, {n} please
{np}
""",
    ("en", "remove"): """
remove {np} from my cart
remove {np}
please remove {np} from my shopping cart
take {np} out of my basket
take {np} out
take out {np}
take {np} off my order
could you remove {np} from my order
could you please take {np} out of the basket
i would like to remove {np} from my order
i'd like to cancel {np}
delete {np}
delete {np} from the cart
drop {np} from my order
drop {np}
cancel {np}
i don't need {np} anymore
i no longer need {np}
i don't want {np} after all
i changed my mind, remove {np}
get rid of {np}
get {np} out of my cart
throw {np} out of the cart
leave out {np}
kindly delete {np} from my current order
would it be possible to remove {np} from my basket
exclude {np} from my order
pull {np} from the cart
too much stuff, remove {np}
skip {np}
scratch {np}
i ordered too much, take {np} off
we already have enough, remove {np}
please cancel {np}, i found it cheaper
kick {np} out of the basket
clear {np} from my cart
no more {p}, remove it
remove from cart: {np}
remove: {np}
minus {np}
remove {p}, {n}
remove {p} {n}
remove {p} - quantity {n}
remove {p}, qty {n}
delete {p}, {n}
please remove {p}, quantity: {n}
take {p} out of the cart, {n} of them
i have too many, drop {p}, {n}
{p} {n} remove
cancel {p}, {n}
{np} out of my cart
{np} off my order please
""",
    ("hr", "add"): """
dodaj {np} u košaricu
dodaj {np}
dodajte {np} u moju košaricu
molim vas dodajte {np} u narudžbu
molim te dodaj {np}
stavi {np} u košaricu
stavi {np}
stavite {np} u košaricu
ubaci {np} u košaricu
ubaci {np}
ubacite mi {np} u narudžbu
možete li dodati {np} u moju narudžbu
možeš li dodati {np}
biste li mogli staviti {np} u košaricu
želim {np}
želim kupiti {np}
željela bih naručiti {np}
htio bih naručiti {np}
htjela bih {np}
trebam {np}
treba mi {nn}
treba nam {nn} za vikend
naruči {np}
naruči mi {np}
naručite {np} za mene
kupi {np}
kupi mi {np}
uzmi {np}
uzet ću {np}
daj mi {np}
daj {np}
hoću {np}
dodaj još {np}
još {np}
stavi i {np}
ponestalo mi je, dodaj {np}
nemamo više, pa dodaj {np}
neka u košarici bude i {nn}
nemoj zaboraviti dodati {np}
zaboravila sam, dodaj i {np}
ljubazno molim da dodate {np} u narudžbu
uvrstite {np} u sljedeću dostavu
u košaricu stavi {np}
u košaricu {np}
u narudžbu dodaj {np}
{np} u košaricu
{np} dodaj
dodaj u košaricu: {np}
dodaj: {np}
+ {np}
dodaj {p}, {n}
dodaj {p} {n}
dodaj {p}, količina {n}
stavi {p} u košaricu, {n}
naruči {p}, ukupno {n}
molim {p}, količina: {n}
košarica: {p} {n}
{p} {n} dodaj
trebam {p}, dovoljno je {n}
{nn}
""",
    ("hr", "remove"): """
makni {np} iz košarice
makni {np}
maknite {np} iz moje košarice
molim vas maknite {np} iz narudžbe
molim te makni {np}
ukloni {np} iz košarice
ukloni {np}
uklonite {np} iz narudžbe
izbaci {np} iz košarice
izbaci {np}
izbacite mi {np} iz narudžbe
izbriši {np}
izbrišite {np} iz košarice
obriši {np} iz košarice
možete li ukloniti {np} iz moje narudžbe
možeš li maknuti {np}
biste li mogli izbaciti {np} iz košarice
želim ukloniti {np}
željela bih otkazati {np}
htio bih izbaciti {np} iz narudžbe
otkaži {np}
otkažite {np}
ne treba mi više {nn}
više ne trebam {np}
ne želim {np}
ipak ne želim {np}
predomislila sam se, makni {np}
predomislio sam se, izbaci {np}
imamo dovoljno, makni {np}
previše je toga, izbaci {np}
skini {np} s narudžbe
skini {np} s popisa
vadi {np} van
izvadi {np} iz košarice
riješi se {ng}
oduzmi {np}
poništi {np}
ljubazno molim da uklonite {np} iz narudžbe
iz košarice makni {np}
iz narudžbe izbaci {np}
{np} makni
{np} van iz košarice
makni iz košarice: {np}
ukloni: {np}
minus {np}
makni {p}, {n}
makni {p} {n}
ukloni {p}, količina {n}
izbaci {p} iz košarice, {n}
otkaži {p}, ukupno {n}
imam previše, makni {p}, {n}
{p} {n} makni
bez {ng}
""",
    ("es", "add"): """
añade {np} al carrito
añade {np}
añada {np} a mi carrito
por favor añade {np} a mi pedido
agrega {np} al carrito
agrega {np}
agregue {np} a mi cesta
pon {np} en el carrito
pon {np} en la cesta
ponme {np}
mete {np} en el carrito
mete {np}
¿puedes añadir {np} a mi cesta?
¿podrías agregar {np} a mi pedido?
¿podría usted añadir {np} al carrito?
me gustaría añadir {np} a mi pedido
me gustaría comprar {np}
quisiera {np}
quisiera pedir {np}
quiero {np}
quiero comprar {np}
necesito {np}
necesitamos {np} para el fin de semana
se nos acabó, añade {np}
nos falta, agrega {np}
compra {np}
cómprame {np}
pide {np} para mí
pídeme {np}
dame {np}
me llevo {np}
voy a llevar {np}
incluye {np} en el pedido
incluya {np} en la próxima entrega
échame {np} en la cesta
añade también {np}
también {np}
y además {np}
que no se te olvide añadir {np}
se me olvidaba, agrega {np}
le ruego que añada {np} a mi pedido
sería tan amable de agregar {np} a la cesta
al carrito {np}
en la cesta pon {np}
{np} al carrito
{np} a la cesta por favor
añadir al carrito: {np}
añadir: {np}
+ {np}
añade {p}, {n}
añade {p} {n}
agrega {p}, cantidad {n}
pon {p} en el carrito, {n}
quiero {p}, {n} en total
por favor añade {p}, cantidad: {n}
carrito: {p} {n}
{p} {n} añadir
necesito {p}, con {n} basta
{np}
""",
    ("es", "remove"): """
quita {np} del carrito
quita {np}
quite {np} de mi carrito
por favor quita {np} de mi pedido
elimina {np} del carrito
elimina {np}
elimine {np} de mi cesta
saca {np} del carrito
saca {np} de la cesta
sácame {np} del pedido
borra {np}
borra {np} del carrito
retira {np} de la cesta
retire {np} de mi pedido
¿puedes quitar {np} de mi cesta?
¿podrías eliminar {np} de mi pedido?
¿podría usted retirar {np} del carrito?
me gustaría quitar {np} de mi pedido
quisiera cancelar {np}
cancela {np}
cancele {np}
anula {np}
ya no quiero {np}
ya no necesito {np}
al final no quiero {np}
no necesito {np}
he cambiado de idea, quita {np}
cambié de opinión, elimina {np}
ya tenemos bastante, quita {np}
es demasiado, saca {np}
deshazte de {np}
descarta {np}
deja fuera {np}
excluye {np} del pedido
resta {np}
le ruego que retire {np} de mi pedido
sería tan amable de eliminar {np} de la cesta
del carrito quita {np}
de la cesta saca {np}
{np} fuera del carrito
{np} fuera
quitar del carrito: {np}
quitar: {np}
menos {np}
quita {p}, {n}
quita {p} {n}
elimina {p}, cantidad {n}
saca {p} del carrito, {n}
cancela {p}, {n} en total
por favor quita {p}, cantidad: {n}
tengo demasiado, quita {p}, {n}
{p} {n} quitar
sin {p}
""",
}
TEMPLATES = {key: [line for line in text.strip().split("\n")] for key, text in TEMPLATES.items()}

GREETINGS = {
    "en": ["hi", "hello", "hey", "good morning", "good evening", "hi there", "hey there"],
    "hr": ["bok", "dobar dan", "dobro jutro", "pozdrav", "zdravo", "dobra večer", "hej"],
    "es": ["hola", "buenos días", "buenas tardes", "buenas", "hola qué tal", "muy buenas"],
}
POLITE = {
    "en": ["please", "thanks", "thank you", "thank you very much", "many thanks", "cheers"],
    "hr": ["molim", "hvala", "molim vas", "hvala lijepa", "hvala vam", "unaprijed hvala"],
    "es": ["por favor", "gracias", "muchas gracias", "se lo agradezco", "mil gracias"],
}
SLANG_BEFORE = {
    "en": ["yo", "ok so", "hey buddy", "umm", "alright", "gimme a sec,"],
    "hr": ["ej", "e daj", "ajde", "ej stari", "ma daj", "aj"],
    "es": ["oye", "ey", "venga", "a ver", "tío,", "bueno,"],
}
SLANG_AFTER = {
    "en": ["pls", "plz", "thx", "ty", "asap", "lol", "cheers mate", "tnx"],
    "hr": ["pls", "fala", "hvala puno", "mlm te", "thx", "brate", "pliz", "hvaljen"],
    "es": ["porfa", "porfi", "xfa", "grax", "tío", "thx", "porfis", "gracias crack"],
}
# Whole words of a template and what chat makes of them.
SLANG_WORDS = {
    "en": {"please": "pls", "you": "u", "want to": "wanna", "give me": "gimme",
           "because": "cuz", "don't": "dont", "i'd": "id", "the": "da"},
    "hr": {"molim te": "mlm te", "možeš li": "jel možeš", "hoću": "oću", "košaricu": "koš",
           "molim": "mlm", "ne treba": "netreba", "stavi": "metni", "trebam": "trebo bi"},
    "es": {"por favor": "porfa", "quiero": "kiero", "que": "q", "también": "tb", "para": "pa",
           "necesito": "nesecito", "por": "x", "carrito": "carro"},
}
EMOJIS = list("🙏😊🛒👍🙂😅❤🎉🔥✨🙌😍👌🤗🧾💪😂🥳")
ENDINGS = {"en": ["!", "!!", "...", "?", "!!!", " ."], "hr": ["!", "!!", "...", "?", "!!!", " ."],
           "es": ["!", "!!", "...", "?", "!!!", " ."]}

# Invented names: a brand stands beside a product and is not part of it.
BRANDS = """Veltrano Norrfell Harrowbeck Corriveau Drybeck Lumiqo Zentavo Orvanto Kestrelle Brightmoor
Solvanta Pinewick Tarbeck Maristela Ondrea Velimir Galenko Sunnvik Quillon Aurevia Hexatron Borealis
Petrovac Milkora Cantabra Ferrano Dolcevia Nivaro Arkeno Stellmark Windermoor Jadrika Lavandra Rubeno
Toptech Ecoline Natura+ Maxwell&Co MegaHome Bonvita Casalinda Primavia""".split()
BRAND_PHRASES = {"en": ["from {b}", "by {b}", "the {b} one", "{b} brand"],
                 "hr": ["od {b}", "marke {b}", "{b}", "brenda {b}"],
                 "es": ["de {b}", "marca {b}", "de la marca {b}"]}

# Numbers that are no quantity, by the 'detail' of products.tsv.
DETAILS = {
    "ml": {"en": ["{ml} ml", "{ml}ml", "({ml} ml)"], "hr": ["od {ml} ml", "{ml} ml", "({ml}ml)"],
           "es": ["de {ml} ml", "{ml}ml", "({ml} ml)"]},
    "l": {"en": ["{l} l", "{l}L", "({l} liters)"], "hr": ["od {l} l", "{l} l", "({l}L)"],
          "es": ["de {l} l", "{l}L", "({l} litros)"]},
    "g": {"en": ["{g} g", "{g}g", "({g} g)"], "hr": ["od {g} g", "{g} g", "({g}g)"],
          "es": ["de {g} g", "{g}g", "({g} gramos)"]},
    "kg": {"en": ["{kg} kg", "{kg}kg", "({kg} kg)"], "hr": ["od {kg} kg", "{kg} kg", "{kg}kg"],
           "es": ["de {kg} kg", "{kg} kg", "{kg}kg"]},
    "cm": {"en": ["{cm} cm", "{cm}cm", "({cm}x{cm2} cm)"], "hr": ["od {cm} cm", "{cm} cm", "({cm}x{cm2})"],
           "es": ["de {cm} cm", "{cm}cm", "({cm}x{cm2} cm)"]},
    "mm": {"en": ["{mm} mm", "{mm}mm"], "hr": ["od {mm} mm", "{mm} mm"], "es": ["de {mm} mm", "{mm}mm"]},
    "wear": {"en": ["size {w}", "in size {w}", "({w})"], "hr": ["veličina {w}", "vel. {w}", "veličine {w}"],
             "es": ["talla {w}", "de la talla {w}", "(talla {w})"]},
    "shoe": {"en": ["size {s}", "in size {s}", "EU {s}"], "hr": ["broj {s}", "br. {s}", "veličina {s}"],
             "es": ["talla {s}", "número {s}", "del {s}"]},
    "cable": {"en": ["{m} m", "{m}m", "({m} meters)"], "hr": ["od {m} m", "{m} m", "dužine {m} m"],
              "es": ["de {m} m", "{m}m", "de {m} metros"]},
    "watt": {"en": ["{watt}W", "{watt} W", "({watt} watts)"], "hr": ["od {watt} W", "{watt}W"],
             "es": ["de {watt} W", "{watt}W"]},
    "phone": {"en": ["for iPhone {i}", "for Galaxy S{i}", "for my iPhone {i} Pro"],
              "hr": ["za iPhone {i}", "za Galaxy S{i}"], "es": ["para iPhone {i}", "para Galaxy S{i}"]},
    "gb": {"en": ["{gb} GB", "{gb}GB"], "hr": ["od {gb} GB", "{gb}GB"], "es": ["de {gb} GB", "{gb}GB"]},
    "inch": {"en": ["{inch} inch", "{inch}\""], "hr": ["od {inch} inča", "{inch}\""],
             "es": ["de {inch} pulgadas", "{inch}\""]},
    "mah": {"en": ["{mah} mAh"], "hr": ["od {mah} mAh"], "es": ["de {mah} mAh"]},
    "volt": {"en": ["18V", "12 V"], "hr": ["od 18 V", "12V"], "es": ["de 18 V", "12V"]},
    "pack": {"en": ["{k}-pack", "({k}-pack)", "(pack of {k})"], "hr": ["{k}/1", "(pakiranje od {k})", "({k} u pakiranju)"],
             "es": ["(pack de {k})", "(paquete de {k})", "(caja de {k})"]},
    "pages": {"en": ["A4", "A5, {pg} pages"], "hr": ["A4", "A5, {pg} listova"], "es": ["A4", "A5, {pg} hojas"]},
    "pieces": {"en": ["({pc} pieces)", "{pc}-piece set"], "hr": ["({pc} dijelova)", "od {pc} dijelova"],
               "es": ["({pc} piezas)", "de {pc} piezas"]},
}
DETAIL_VALUES = {
    "ml": [50, 75, 100, 150, 200, 250, 300, 330, 400, 500, 700, 750], "l": ["1", "1.5", "2", "3", "5", "10", "20"],
    "g": [50, 80, 100, 125, 150, 200, 250, 300, 400, 500, 750], "kg": ["1", "2", "2.5", "3", "5", "10", "15"],
    "cm": [15, 20, 24, 26, 28, 30, 40, 50, 60, 70], "cm2": [40, 80, 90, 120, 140, 200],
    "mm": [3, 4, 5, 6, 8, 10, 20, 30], "w": ["S", "M", "L", "XL", "36", "38", "40", "42", "44", "52"],
    "s": [35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46], "m": ["1", "1.5", "2", "3", "5", "10", "15", "20"],
    "watt": [5, 7, 9, 10, 20, 25, 30, 40, 60, 65, 100], "i": [11, 12, 13, 14, 15, 16, 22, 23, 24],
    "gb": [32, 64, 128, 256, 512], "inch": [14, 15, 24, 27, 32], "mah": [5000, 10000, 20000],
    "k": [2, 3, 4, 5, 6, 8, 10, 12, 20, 24], "pg": [40, 80, 100, 200], "pc": [24, 50, 100, 500, 1000],
}
# The same, whatever the product: deadlines, prices, places, codes.
ASIDES = {
    "en": ["by 5 pm", "for apartment 14", "before 10 am", "with code SAVE10", "under $20", "it's 15 euros",
           "for order 4471", "to room 203", "for the 25th"],
    "hr": ["do 17 h", "za stan 14", "prije 10 sati", "uz kod POPUST10", "do 20 eura", "cijena je 15 eura",
           "za narudžbu 4471", "za sobu 203", "do 25. u mjesecu"],
    "es": ["antes de las 5", "para el piso 14", "con el código AHORRA10", "por menos de 20 euros",
           "cuesta 15 euros", "para el pedido 4471", "a la habitación 203", "para el día 25"],
}
# Units: packaging between the number and the product; singular/plural, Croatian also the 2-4 form.
UNITS = {
    "B": {"en": "bottle/bottles", "hr": "f:boca/bocu/boce/boca", "es": "f:botella/botellas"},
    "T": {"en": "tube/tubes", "hr": "f:tuba/tubu/tube/tuba", "es": "m:tubo/tubos"},
    "C": {"en": "can/cans", "hr": "f:limenka/limenku/limenke/limenki", "es": "f:lata/latas"},
    "J": {"en": "jar/jars", "hr": "f:staklenka/staklenku/staklenke/staklenki", "es": "m:tarro/tarros"},
    "K": {"en": "pack/packs;packet/packets", "hr": "n:pakiranje/pakiranja/pakiranja;m:paket/paketa/paketa",
          "es": "m:paquete/paquetes"},
    "X": {"en": "box/boxes", "hr": "f:kutija/kutiju/kutije/kutija", "es": "f:caja/cajas"},
    "G": {"en": "bag/bags", "hr": "f:vrećica/vrećicu/vrećice/vrećica", "es": "f:bolsa/bolsas"},
}
